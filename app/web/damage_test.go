package web_test

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"

	"dossier.example/app"
	"dossier.example/app/api"
	"dossier.example/app/internal/teststores"
	"dossier.example/app/web"
)

// storedDirectly sends a file directly and returns its record.
func (s *site) storedDirectly(receipt, name string, data []byte) dossier.File {
	s.t.Helper()
	u := s.announce(receipt, name, data)
	u.sendAll()
	id, err := dossier.ParseFileID(u.complete().ID)
	if err != nil {
		s.t.Fatal(err)
	}
	r, err := dossier.ParseReceipt(receipt)
	if err != nil {
		s.t.Fatal(err)
	}
	f, err := s.stores.Catalog.File(s.t.Context(), r.Person, id)
	if err != nil {
		s.t.Fatal(err)
	}
	return f
}

// bend changes a byte of an object, or, with no data, removes it.
func bend(t *testing.T, stores teststores.Stores, f dossier.File, data []byte) {
	t.Helper()
	if err := stores.Objects.Delete(t.Context(), f.Key()); err != nil {
		t.Fatal(err)
	}
	if data == nil {
		return
	}
	data = bytes.Clone(data)
	data[len(data)-1] ^= 1
	if _, err := stores.Objects.Put(t.Context(), f.Key(), bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
}

// raw makes a request whose answer may break off.
func (s *site) raw(path string, header ...http.Header) (status int, body string, err error) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, "http://"+s.addr+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, h := range header {
		maps.Copy(req.Header, h)
	}
	web.HoldReceipt(s.client, req)
	res, err := s.client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return res.StatusCode, string(b), err
}

// Whatever is damaged is never answered whole where it passes the site; staff and holder see it marked; and who sends
// it again, finds it whole.
func TestDamagedFiles(t *testing.T) {
	everywhere(t, setup{}, func(s *site) {
		for name, data := range map[string][]byte{
			"letter.txt": []byte("Dear Charles"), "picture.png": []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR"),
			"drawing.bin": random(300_000),
		} {
			for what, bent := range map[string][]byte{"missing": nil, "other bytes": data} {
				s.t.Run(name+", "+what, func(t *testing.T) {
					s := s.in(t)
					receipt := s.register()
					f := s.storedDirectly(receipt, name, data)
					bend(t, s.stores, f, bent)
					// The archive passes the site on both kinds: it breaks off, and marks.
					status, zip, err := s.raw("/receipt/" + receipt + "/files.zip")
					if status == 200 && err == nil || strings.Contains(zip, "PK\x05\x06") {
						t.Error("an archive with a damaged file looks whole")
					}
					form := form{receipt: receipt}
					for who, way := range s.waysTo(form, f) {
						for _, more := range []http.Header{nil, {"Range": {"bytes=0-"}}, {"Range": {"bytes=0-3"}},
							{"Range": {"bytes=2-"}}} {
							status, body, err := s.raw(way.path, way.proof, more)
							if status/100 == 3 || err == nil && status != http.StatusInternalServerError ||
								len(body) >= len(data) && status < 300 {
								t.Errorf("%s, %v: status %d, %d bytes, %v", who, more, status, len(body), err)
							}
						}
					}
					picture := s.do(http.MethodGet, "/people/"+f.Person.String()+"/files/"+f.ID.String()+"/picture",
						s.session(), nil)
					if name == "picture.png" && picture.status != http.StatusInternalServerError {
						t.Errorf("the picture: status %d", picture.status)
					}
					page := s.get("/receipt/" + receipt).body
					if !strings.Contains(page, "The stored copy is damaged") ||
						strings.Contains(page, "every file that you sent are stored") {
						t.Error("the receipt does not say that the file is damaged")
					}
					if page := s.do(http.MethodGet, "/people/"+f.Person.String(), s.session(),
						nil); !strings.Contains(page.body, "Damaged") {
						t.Error("the person's page does not say that the file is damaged")
					}
					if page := s.do(http.MethodGet, "/staff/storage", s.session(), nil); page.status != 200 ||
						!strings.Contains(page.body, name) {
						t.Errorf("the page about the storage, status %d, does not name the file", page.status)
					}
					var got api.Receipt
					s.ask(call{path: "/receipt", receipt: receipt}, &got)
					if len(got.Files) != 1 || got.Files[0].Damage == nil {
						t.Errorf("the API's receipt: %+v", got.Files)
					}

					again := s.storedDirectly(receipt, name, data)
					if again.ID == f.ID || again.Damage != nil {
						t.Errorf("sent again it is %+v", again)
					}
					s.mustBeStored(receipt, file{name, string(data)})
					if page := s.get("/receipt/" + receipt).body; !strings.Contains(page,
						"Your file is stored") {
						t.Error("the receipt does not say that all is stored")
					}
					if page := s.do(http.MethodGet, "/staff/storage", s.session(), nil); strings.Contains(page.body,
						f.Person.String()) {
						t.Error("the page about the storage still names the person")
					}
				})
			}
		}
		s.reconcile()
	})
}

func TestAPICheck(t *testing.T) {
	everywhere(t, setup{}, func(s *site) {
		receipt, other := s.register(), s.register()
		whole, lost := s.storedDirectly(receipt, "whole.txt", []byte("whole")),
			s.storedDirectly(receipt, "lost.txt", []byte("lost"))
		differs, theirs := s.storedDirectly(receipt, "differs.txt", []byte("differs")),
			s.storedDirectly(other, "theirs.txt", []byte("theirs"))
		half := s.announce(receipt, "half.txt", []byte("half"))
		bend(s.t, s.stores, lost, nil)
		bend(s.t, s.stores, differs, []byte("differs"))
		var got api.CheckedFiles
		s.ask(call{method: "POST", path: "/checks", receipt: receipt, body: api.FilesToCheck{Files: []string{
			whole.ID.String(), half.file.ID, lost.ID.String(), theirs.ID.String(), differs.ID.String(),
			dossier.NewFileID().String(),
		}}}, &got)
		damage := map[string]api.FileDamage{}
		for _, f := range got.Files {
			damage[f.Name] = ""
			if f.Damage != nil {
				damage[f.Name] = *f.Damage
			}
		}
		if len(damage) != 3 || damage["whole.txt"] != "" || damage["lost.txt"] != api.Missing ||
			damage["differs.txt"] != api.Differs {
			s.t.Errorf("checked: %v", damage)
		}
		many := make([]string, dossier.MaxChecked+1)
		for i := range many {
			many[i] = dossier.NewFileID().String()
		}
		for name, c := range map[string]call{
			"none":     {body: api.FilesToCheck{Files: []string{}}, status: 422, code: dossier.CodeInvalid},
			"too many": {body: api.FilesToCheck{Files: many}, status: 422, code: dossier.CodeInvalid},
			"no id": {body: api.FilesToCheck{Files: []string{"x"}}, status: 422, code: dossier.CodeInvalid,
				has: []string{"#/files/0"}},
			"no files": {body: struct{}{}, status: 422, code: dossier.CodeInvalid},
			"a stranger's": {body: api.FilesToCheck{Files: many[:1]}, receipt: dossier.NewReceipt().String(),
				status: 401, code: "unauthorized"},
		} {
			c.name, c.method, c.path = name, "POST", "/checks"
			if c.receipt == "" {
				c.receipt = receipt
			}
			s.ask(c, nil)
		}
	})
}
