package web_test

import (
	"net/http"
	"slices"
	"testing"

	"dossier.example/app"
	"dossier.example/app/api"
)

// Folder, name and content together tell files apart, whichever way they came.
func TestFolders(t *testing.T) {
	everywhere(t, setup{}, func(s *site) {
		receipt := s.register()
		data := []byte("the same in each folder")
		in := func(id, folder string) *upload {
			u := &upload{s: s, receipt: receipt, path: "/files/" + id, data: data}
			a := api.Announcement{Name: "init.py", Size: int64(len(data))}
			if folder != "" {
				a.Folder = &folder
			}
			s.ask(call{method: http.MethodPut, path: u.path, receipt: receipt, body: a}, &u.file)
			return u
		}
		var want []string
		for raw, kept := range map[string]string{"": "", "a": "a", "a/b": "a/b", `..\a//c:d/`: "a/c_d"} {
			u := in(dossier.NewFileID().String(), raw)
			u.sendAll()
			for _, f := range []api.File{u.file, u.complete()} {
				if folderOf(f) != kept || f.Name != "init.py" {
					s.t.Errorf("announced in %q, the file is %q in %q, want it in %q", raw, f.Name, folderOf(f), kept)
				}
			}
			want = append(want, dossier.JoinPath(kept, "init.py"))
		}
		// The same once more is the same file; the same id in another folder is not.
		id := dossier.NewFileID().String()
		u := in(id, "a/b")
		other := "a"
		s.ask(call{method: http.MethodPut, path: u.path, receipt: receipt, status: 409, code: dossier.CodeConflict,
			body: api.Announcement{Folder: &other, Name: "init.py", Size: int64(len(data))}}, nil)
		u.sendAll()
		if f := u.complete(); f.ID == id || folderOf(f) != "a/b" {
			s.t.Errorf("sent again: answered with %s in %q, want the file that is stored", f.ID, folderOf(f))
		}
		long := string(make([]byte, 1025))
		s.ask(call{method: http.MethodPut, path: "/files/" + dossier.NewFileID().String(), receipt: receipt,
			status: 422,
			code:   dossier.CodeInvalid, body: api.Announcement{Folder: &long, Name: "x", Size: 1},
			has: []string{"#/folder"}}, nil)

		// A form sends the path as the file's name, as browsers do for a folder that was chosen.
		f := ada
		f.receipt = receipt
		for _, path := range []string{"init.py", "a/init.py", "d/../e/init.py", "/home/ada/init.py", "a/init.py"} {
			f.files = append(f.files, file{path, string(data)})
		}
		if a := s.submit(f); a.status != http.StatusSeeOther {
			s.t.Fatal(a)
		}
		want = append(want, "d/e/init.py")

		var out api.Receipt
		s.ask(call{path: "/receipt", receipt: receipt}, &out)
		var got []string
		for _, f := range out.Files {
			if f.State == api.Stored {
				got = append(got, dossier.JoinPath(folderOf(f), f.Name))
			}
		}
		slices.Sort(want)
		if slices.Sort(got); !slices.Equal(got, want) {
			s.t.Errorf("stored are %q, want %q", got, want)
		}
	})
}

func folderOf(f api.File) string {
	if f.Folder == nil {
		return ""
	}
	return *f.Folder
}
