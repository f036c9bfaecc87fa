package web_test

import (
	"net/http"
	"slices"
	"testing"

	"dossier.example/app"
)

// Where only some types of files are accepted, the pages say so, and bytes decide, whatever a file is called and
// whichever way it comes.
func TestFileTypes(t *testing.T) {
	limits := dossier.DefaultLimits()
	limits.Types = "application/pdf,image/*"
	s := open(t, setup{domain: dossier.Options{Limits: limits}})
	const accept, script = ` accept="application/pdf,image/*"`, ` data-file-types="application/pdf,image/*"`
	s.get("/").must(t, http.StatusOK, "(PDF and pictures), up to ", accept, script)

	const pdf, why = "%PDF-1.7\n", "Only PDF and pictures can be accepted, but this file is text/plain"
	f := ada.with(file{"letter.txt", pdf}, file{"letter.pdf", "Dear Charles"})
	a := s.submit(f)
	a.must(t, http.StatusUnsupportedMediaType, "Some files are missing", "Only PDF and pictures can be accepted.", why)
	stored, missing := a.told(t)
	if !slices.Equal(stored, []string{"letter.txt"}) || len(missing) != 1 || missing["letter.pdf"] == "" {
		t.Errorf("the page tells %q as stored and %q as missing", stored, missing)
	}
	a.mustNot(t, "wait", "same form again")
	s.get("/receipt/"+f.parsed(t).Person.String()).must(t, http.StatusOK, "Only PDF and pictures are accepted.", accept,
		script)

	receipt := s.register()
	u := s.announce(receipt, "report.pdf", []byte("Dear Charles"))
	u.sendAll()
	c := u.completion()
	c.status, c.code, c.has = http.StatusUnsupportedMediaType, dossier.CodeType, []string{why}
	s.ask(c, nil)
	u = s.announce(receipt, "report.txt", []byte(pdf))
	u.sendAll()
	u.complete()
}

func TestAnyFileType(t *testing.T) {
	s := open(t, setup{})
	a := s.get("/")
	a.must(t, http.StatusOK, "files of any type, up to ")
	a.mustNot(t, " accept=", "data-file-types")
}
