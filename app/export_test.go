package dossier_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"dossier.example/app"
)

// An export has all that is known: the details, each record with its checksum, what is in the trash by its record
// alone, and the bytes of the others.
func TestExport(t *testing.T) {
	onEachKind(t, func(t *testing.T, s stores) {
		ctx, svc, r := t.Context(), s.service(dossier.Limits{}), dossier.NewReceipt()
		files := []upload{{"Index.html", []byte("<b>mine</b>")}, {"a/<i>&.txt", []byte("one")},
			{"gone.txt", []byte("two")}}
		out, err := submit(ctx, svc, r, files)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := svc.TrashFile(ctx, r.Person, out[2].File.ID, "somebody of the staff"); err != nil {
			t.Fatal(err)
		}
		announced := dossier.Announcement{ID: dossier.NewFileID(), Name: "begun.bin", Size: 9}
		if _, err := svc.Announce(ctx, r.Person, announced); err != nil {
			t.Fatal(err)
		}
		p, err := svc.ByReceipt(ctx, r)
		if err != nil {
			t.Fatal(err)
		}
		a, err := svc.Export(ctx, p, dossier.ToAll)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := a.Write(ctx, &b); err != nil || int64(b.Len()) != a.Size() {
			t.Fatalf("Write: %d bytes of %d, %v", b.Len(), a.Size(), err)
		}
		has := unzipped(t, b.Bytes())
		if len(has) != 5 || has["Files/Index.html"] != "<b>mine</b>" || a.Files() != 5 {
			t.Errorf("the export has %d entries: %v", len(has), has)
		}
		var about struct {
			ID      string
			Details map[string]string
		}
		if err := json.Unmarshal([]byte(has["Details.json"]), &about); err != nil || about.ID != r.Person.String() ||
			about.Details["name"] != ada.Name || about.Details["age"] != "36" {
			t.Errorf("Details.json: %+v, %v", about, err)
		}
		var records []struct {
			Name, State, SHA256 string
			InExport            string `json:"in_export"`
		}
		if err := json.Unmarshal([]byte(has["Files.json"]), &records); err != nil || len(records) != 4 {
			t.Fatalf("Files.json: %+v, %v", records, err)
		}
		for _, f := range records {
			want := map[string]string{"gone.txt": "trash", "begun.bin": "uploading"}[f.Name]
			if want == "" {
				want = "stored"
			}
			if _, there := has[f.InExport]; f.State != want || there != (want == "stored") ||
				(f.SHA256 == "") != (want == "uploading") {
				t.Errorf("Files.json has %+v", f)
			}
		}
		index := has["Index.html"]
		for _, want := range []string{ada.Name, ada.Technology, "begun.bin", "gone.txt", `href="./Files/Index.html"`} {
			if !strings.Contains(index, want) {
				t.Errorf("Index.html lacks %q", want)
			}
		}
		if strings.Contains(b.String(), "somebody of the staff") || strings.Contains(index, "<i>") {
			t.Error("the export tells of the staff, or its index has a name as markup")
		}
	})
}
