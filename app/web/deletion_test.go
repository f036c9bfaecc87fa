package web

import (
	"net/url"
	"slices"
	"testing"

	"dossier.example/app"
)

func TestDeleteFile(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	by := s.signIn(t)
	receipt, files := s.submit(t, "Ada", upload{"a <i>.txt", "a"}, upload{"b.txt", "b"})
	person := "/people/" + receipt.Person.String()
	page := person + "/files/" + files[0].ID.String() + "/delete"
	form := url.Values{"csrf": {by.token}}

	s.play(t, scenario{path: page, by: by, status: 200, has: []string{"Delete the file a _i_.txt?", "cannot be undone",
		by.token, `action="` + page + `"`, `href="` + person + `"`}})
	s.play(t, scenario{method: "HEAD", path: page, by: by, status: 200})
	if _, stored := s.exists(t, receipt.Person); len(stored) != 2 {
		t.Fatalf("asking changed the files to %q", stored)
	}

	for call, text := range map[string]string{
		"catalog.MarkDeleting": "Nothing was deleted.", "catalog.File": "It is not known whether anything was deleted.",
	} {
		s.faults.down(call)
		s.play(t, scenario{path: page, by: by, form: form, status: 503, has: []string{text},
			hasNot: []string{"will finish"}})
		s.faults.set(call, nil)
	}
	if _, stored := s.exists(t, receipt.Person); len(stored) != 2 {
		t.Fatalf("deletions that did not begin left %q", stored)
	}
	s.faults.down("objects.Delete")
	s.play(t, scenario{path: page, by: by, form: form, status: 503, want: map[string]string{"Retry-After": retryAfter},
		has: []string{"will finish by itself"}})
	s.play(t, scenario{path: person + "/files/" + files[0].ID.String(), by: by, status: 404})
	s.faults.set("objects.Delete", nil)
	s.play(t, scenario{path: page, by: by, form: form, status: 303, want: map[string]string{"Location": person}})
	if _, stored := s.exists(t, receipt.Person); !slices.Equal(stored, []string{"b.txt"}) || s.objectCount(t) != 1 {
		t.Errorf("after the deletion %q are stored, with %d objects", stored, s.objectCount(t))
	}
	s.playAll(t, []scenario{
		{name: "delete again", path: page, by: by, form: form, status: 404},
		{name: "ask again", path: page, by: by, status: 404},
		{name: "download", path: person + "/files/" + files[0].ID.String(), by: by, status: 404},
		{name: "receipt", path: "/receipt/" + receipt.String(), status: 200, has: []string{"b.txt"},
			hasNot: []string{"a _i_.txt"}},
		{name: "another's", path: "/people/" + dossier.NewPersonID().String() + "/files/" + files[1].ID.String() +
			"/delete", by: by, form: form, status: 404},
	})
	if _, stored := s.exists(t, receipt.Person); !slices.Equal(stored, []string{"b.txt"}) {
		t.Errorf("refused deletions left %q", stored)
	}
}

func TestDeletePerson(t *testing.T) {
	for _, step := range []string{"", "objects.Delete", "catalog.Remove", "people.Delete"} {
		t.Run("fails at "+step, func(t *testing.T) {
			s := newSite(t)
			by := s.signIn(t)
			receipt, files := s.submit(t, "Ada <b>", upload{"a.txt", "a"}, upload{"b.txt", "b"})
			other, _ := s.submit(t, "Bob", upload{"c.txt", "c"})
			person := "/people/" + receipt.Person.String()
			form := url.Values{"csrf": {by.token}}

			s.play(t, scenario{path: person + "/delete", by: by, status: 200,
				has: []string{"Delete Ada &lt;b&gt; and 2 files?", by.token}})
			if there, stored := s.exists(t, receipt.Person); !there || len(stored) != 2 {
				t.Fatal("asking deleted something")
			}
			s.faults.down("people.Move")
			s.play(t, scenario{path: person + "/delete", by: by, form: form, status: 503,
				has: []string{"Nothing was deleted."}, hasNot: []string{"will finish"}})
			s.faults.set("people.Move", nil)
			s.play(t, scenario{path: person, by: by, status: 200, hasNot: []string{"Being deleted"}})
			if step != "" {
				s.faults.down(step)
				s.play(t, scenario{path: person + "/delete", by: by, form: form, status: 503,
					want: map[string]string{"Retry-After": retryAfter}, has: []string{"will finish by itself"}})
				s.play(t, scenario{path: person, by: by, status: 200, has: []string{"Being deleted"}})
				s.play(t, scenario{path: "/people", by: by, status: 200, hasNot: []string{person}})
				s.play(t, scenario{path: "/receipt/" + receipt.String(), status: 404})
				s.faults.set(step, nil)
			}
			s.play(t, scenario{path: person + "/delete", by: by, form: form, status: 303,
				want: map[string]string{"Location": "/people"}})
			s.playAll(t, []scenario{
				{name: "delete again", path: person + "/delete", by: by, form: form, status: 404},
				{name: "ask again", path: person + "/delete", by: by, status: 404},
				{name: "page", path: person, by: by, status: 404},
				{name: "file", path: person + "/files/" + files[0].ID.String(), by: by, status: 404},
				{name: "receipt", path: "/receipt/" + receipt.String(), status: 404},
				{name: "directory", path: "/people", by: by, status: 200, has: []string{"Bob"},
					hasNot: []string{"Ada"}},
			})
			if there, stored := s.exists(t, other.Person); !there || len(stored) != 1 || s.objectCount(t) != 1 {
				t.Errorf("the other person: there %t, files %q; %d objects in all", there, stored, s.objectCount(t))
			}
		})
	}
}
