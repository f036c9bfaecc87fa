package web

import (
	"archive/zip"
	"bytes"
	"strings"
	"testing"

	"dossier.example/app"
)

func TestExport(t *testing.T) {
	t.Parallel()
	s := newSite(t, withTrash)
	by := s.signIn(t)
	receipt, _ := s.submit(t, "Ada", upload{"a.txt", "one"})
	holder := map[string]string{"Cookie": "dossier_receipt=" + receipt.String()}
	staffs, holders := personPath(receipt.Person)+"/export.zip", receiptPath(receipt.Person)+"/export.zip"
	s.play(t, scenario{path: personPath(receipt.Person), by: by, status: 200, has: []string{`href="` + staffs + `"`}})
	s.play(t, scenario{path: receiptPath(receipt.Person), header: holder, status: 200,
		has: []string{`href="` + holders + `"`}})
	for _, ask := range []scenario{{path: staffs, by: by, status: 200}, {path: holders, header: holder, status: 200}} {
		ask.want = map[string]string{"Content-Type": "application/zip"}
		a := s.play(t, ask)
		if !strings.Contains(a.header.Get("Content-Disposition"), "attachment") {
			t.Errorf("%s: Content-Disposition is %q", ask.path, a.header.Get("Content-Disposition"))
		}
		z, err := zip.NewReader(bytes.NewReader([]byte(a.body)), int64(len(a.body)))
		if err != nil || len(z.File) != 4 {
			t.Errorf("%s: %+v, %v; want 4 entries", ask.path, z, err)
		}
	}
	s.playAll(t, []scenario{
		{name: "nobody", path: staffs, status: 303},
		{name: "without the receipt", path: holders, status: 401},
		{name: "another's receipt", path: receiptPath(dossier.NewPersonID()) + "/export.zip", header: holder,
			status: 401},
		{name: "of nobody", path: personPath(dossier.NewPersonID()) + "/export.zip", by: by, status: 404},
	})
	if _, err := s.svc.TrashPerson(t.Context(), receipt.Person, "x"); err != nil {
		t.Fatal(err)
	}
	s.play(t, scenario{path: staffs, by: by, status: 404})
	s.play(t, scenario{path: holders, header: holder, status: 410})
}
