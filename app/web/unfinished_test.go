package web_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"dossier.example/app"
	"dossier.example/app/web"
)

// A receipt is never complete while a file that was begun is not stored, whatever other files are called, and says how
// far each is.
func TestReceiptNamesWhatIsUnfinished(t *testing.T) {
	now := time.Now()
	clock := func() time.Time { return now }
	s := open(t, setup{domain: dossier.Options{Now: clock}, web: web.Options{Now: clock}})
	alone := ada.with()
	s.mustAccept(s.submit(alone), alone)
	s.announce(alone.receipt, "image.jpg", []byte("x"))
	s.get("/receipt/"+alone.receipt).must(t, http.StatusOK, "0 of 1 file is stored so far")

	f := ada.with(file{"image.jpg", "one picture"})
	s.mustAccept(s.submit(f), f)
	own := "/receipt/" + f.receipt

	// Phones name every photo so. The second is left off after its first part.
	const size, part = 20_000_000, 8 << 20
	second := s.announce(f.receipt, "image.jpg", bytes.Repeat([]byte("x"), size))
	send := func(numbers ...int) {
		t.Helper()
		for _, n := range numbers {
			if status := s.send(second.sign(n)[0], second.bytesOf(n)); !sent(status) {
				t.Fatalf("part %d: the store answers %d", n, status)
			}
		}
	}
	send(1)
	far := dossier.FormatBytes(part) + " of " + dossier.FormatBytes(size) + " uploaded"
	page := s.get(own)
	page.must(t, http.StatusOK, "Being sent", "1 of 2 files are stored so far", "Being sent: "+far+".")
	page.mustNot(t, "Complete", "Received, thank you", "Both files", "All 2 files", "Some files are missing")
	if stored, missing := page.told(t); len(stored) != 1 || len(missing) != 1 {
		t.Errorf("the receipt tells %q as stored, %q as missing", stored, missing)
	}

	now = now.Add(2 * time.Minute)
	page = s.get(own)
	page.must(t, http.StatusOK, "Incomplete", "Some files are missing", "1 of 2 files",
		far+". Choose this file again to continue.")
	page.mustNot(t, "Complete", "Received, thank you", "Being sent")

	// Staff see what is stored, told apart from what is not, and how far that is.
	person := "/people/" + f.parsed(t).Person.String()
	s.do(http.MethodGet, person, s.session(), nil).must(t, http.StatusOK, "1 file, 11 B", "Not complete", far,
		"Started")

	send(2, 3)
	second.complete()
	page = s.get(own)
	page.must(t, http.StatusOK, "Complete", "Both files are stored", "(2 files, "+dossier.FormatBytes(size+11)+")")
	if stored, missing := page.told(t); len(stored) != 2 || len(missing) != 0 {
		t.Errorf("the receipt tells %q as stored, %q as missing", stored, missing)
	}
}

// What is unfinished is named on the first page, however many files are stored, and of many only the first.
func TestReceiptNamesTheFirstUnfinished(t *testing.T) {
	now := time.Now()
	clock := func() time.Time { return now }
	s := open(t, setup{domain: dossier.Options{Now: clock, Limits: dossier.Limits{Files: 300}},
		web: web.Options{Now: clock}})
	var files []file
	for i := range 130 {
		files = append(files, file{fmt.Sprintf("letter %03d.txt", i), fmt.Sprint(i)})
	}
	f := ada.with(files...)
	s.mustAccept(s.submit(f), f)
	for i := range 25 {
		now = now.Add(time.Second)
		s.announce(f.receipt, fmt.Sprintf("film %02d.mov", i), bytes.Repeat([]byte("x"), 100_000))
	}
	now = now.Add(time.Hour)
	page := s.get("/receipt/" + f.receipt)
	page.must(t, http.StatusOK, "Some files are missing", "130 of 155 files", "film 00.mov", "film 19.mov",
		"And 5 more files.",
		"0 B of 100 kB uploaded")
	page.mustNot(t, "film 20.mov")
	s.get(page.link(t, "next")).must(t, http.StatusOK, "Some files are missing", "130 of 155 files")
	staff := s.do(http.MethodGet, "/people/"+f.parsed(t).Person.String(), s.session(), nil)
	staff.must(t, http.StatusOK, "130 files", "film 19.mov", "And 5 more files.")
}

// Without scripts the receipt takes what is missing by a form of its own.
func TestReceiptTakesMoreWithoutScripts(t *testing.T) {
	s := open(t, setup{})
	f := ada.with(file{"first.txt", "1"})
	s.mustAccept(s.submit(f), f)
	_, shown, found := strings.Cut(s.get("/receipt/"+f.receipt).body, `id="add-files"`)
	if !found || !strings.Contains(shown, `action="/submissions" enctype="multipart/form-data"`) ||
		!strings.Contains(shown, `type="file" id="files" name="files"`) {
		t.Fatal("the receipt has no form for who has no scripts")
	}
	fields := map[string]string{}
	for _, m := range hiddenField.FindAllStringSubmatch(shown, -1) {
		fields[m[1]] = m[2]
	}
	more := form{receipt: fields["receipt"], name: fields["name"], location: fields["location"], age: fields["age"],
		technology: fields["technology"], files: []file{{"second.txt", "2"}}}
	s.submit(more).must(t, http.StatusSeeOther)
	s.mustHave(f, f.files[0], more.files[0])
}
