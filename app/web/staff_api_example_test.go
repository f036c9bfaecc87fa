package web_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"dossier.example/app"
	"dossier.example/app/api"
	"dossier.example/app/internal/teststores"
	"dossier.example/app/staff"
	"dossier.example/app/web"
)

// exampleContent is what the file of the document's examples holds.
const exampleContent = "Dear Charles"

// storeExample stores the person of the document's examples.
func storeExample(t *testing.T, stores teststores.Stores, told api.PersonWithFiles) {
	t.Helper()
	id, err := dossier.ParsePersonID(told.Person.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := stores.People.Insert(t.Context(), dossier.Person{ID: id, Details: dossier.Details{Name: told.Person.Name,
		Location: told.Person.Location, Age: told.Person.Age, Technology: told.Person.Technology},
		State: dossier.PersonSubmitted, CreatedAt: told.Person.CreatedAt,
		UpdatedAt: told.Person.CreatedAt}); err != nil {
		t.Fatal(err)
	}
	for _, f := range told.Files {
		file := dossier.File{Person: id, Folder: *f.Folder, Name: f.Name, State: dossier.FileUploading,
			CreatedAt: f.CreatedAt, UpdatedAt: f.CreatedAt}
		if file.ID, err = dossier.ParseFileID(f.ID); err != nil {
			t.Fatal(err)
		}
		if err := stores.Catalog.Put(t.Context(), file); err != nil {
			t.Fatal(err)
		}
		held, err := stores.Objects.Put(t.Context(), file.Key(), strings.NewReader(exampleContent))
		if err != nil {
			t.Fatal(err)
		}
		content := dossier.Content{Size: held.Size, CRC64: held.CRC64, SHA256: sha256.Sum256([]byte(exampleContent)),
			Type: f.Content.Type}
		if err := stores.Catalog.Describe(t.Context(), id, file.ID, content, f.UpdatedAt); err != nil {
			t.Fatal(err)
		}
		if _, err := stores.Catalog.Commit(t.Context(), id, file.ID, f.UpdatedAt); err != nil {
			t.Fatal(err)
		}
	}
	svc := dossier.New(stores.People, stores.Catalog, stores.Objects, dossier.Options{})
	if _, err := svc.WriteWords(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// token makes an administrator's token with all scopes.
func (s *site) token() string {
	s.t.Helper()
	id, err := staff.NewAccountID()
	if err != nil {
		s.t.Fatal(err)
	}
	owner := staff.Account{ID: id, Name: "Grace", Address: "grace@staff.example", Role: staff.Administrator,
		State: staff.Active}
	store := s.stores.People.(staff.Store)
	if err := store.AddAccount(s.t.Context(), staff.Record{Account: owner}); err != nil {
		s.t.Fatal(err)
	}
	tokens, err := staff.NewTokens(store, staffSecret, staff.Options{})
	if err != nil {
		s.t.Fatal(err)
	}
	text, _, err := tokens.Make(s.t.Context(), staff.Actor{Account: owner},
		staff.NewToken{Name: "test", Scopes: staff.Scopes, Days: 1})
	if err != nil {
		s.t.Fatal(err)
	}
	s.hide(text)
	return text
}

// Each operation for staff is asked as the document's examples have it, of a site that holds the examples' person. It
// answers as the document has it: by its schema, and where there is an example, exactly that.
func TestStaffAPIExamples(t *testing.T) {
	d := description(t)
	everywhere(t, setup{}, func(s *site) {
		var told api.PersonWithFiles
		read := d.document.Paths.Find("/staff/people/{id}").Get.Responses.Value("200").Value
		text, err := json.Marshal(read.Content["application/json"].Example)
		if err != nil {
			s.t.Fatal(err)
		}
		if err := json.Unmarshal(text, &told); err != nil {
			s.t.Fatal(err)
		}
		storeExample(s.t, s.stores, told)
		token := s.token()
		var deletions []call
		asked := 0
		for _, path := range slices.Sorted(maps.Keys(d.document.Paths.Map())) {
			for method, op := range d.document.Paths.Find(path).Operations() {
				if op.Extensions["x-scope"] == nil {
					continue
				}
				filled, query := path, url.Values{}
				for _, p := range append(slices.Clone(d.document.Paths.Find(path).Parameters), op.Parameters...) {
					switch example := p.Value.Example; {
					case p.Value.In == "path" && example == nil:
						s.t.Fatalf("%s %s: parameter %s has no example", method, path, p.Value.Name)
					case p.Value.In == "path":
						filled = strings.ReplaceAll(filled, "{"+p.Value.Name+"}", fmt.Sprint(example))
					case example != nil:
						query.Set(p.Value.Name, fmt.Sprint(example))
					}
				}
				if len(query) > 0 {
					filled += "?" + query.Encode()
				}
				c := call{name: op.OperationID, method: method, path: filled,
					header: http.Header{"Authorization": {"Bearer " + token}}}
				asked++
				if method == http.MethodDelete {
					c.status = http.StatusNoContent
					deletions = append(deletions, c)
					continue
				}
				if strings.HasSuffix(path, "/content") && s.linked302() {
					c.status = http.StatusFound
				}
				a := s.ask(c, nil)
				for mediaType, content := range op.Responses.Value("200").Value.Content {
					if content.Example != nil {
						s.mustBeTheExample(op.OperationID, mediaType, content.Example, a.body)
					}
				}
				c.method = http.MethodHead
				c.status = http.StatusOK
				s.ask(c, nil)
			}
		}
		// The file before its person.
		slices.SortFunc(deletions, func(a, b call) int { return len(b.path) - len(a.path) })
		for _, c := range deletions {
			s.ask(c, nil)
			c.status, c.code = http.StatusNotFound, dossier.CodeNotFound
			s.ask(c, nil)
		}
		if asked != 9 {
			s.t.Errorf("%d operations have a scope, want 9", asked)
		}
		id, err := dossier.ParsePersonID(told.Person.ID)
		if err != nil {
			s.t.Fatal(err)
		}
		if p, err := s.svc.TrashedPerson(s.t.Context(), id); err != nil || p.Trash.By != "Grace" {
			s.t.Errorf("in the trash is %+v, %v", p, err)
		}
	})
}

// linked302 reports whether the site leads to another host for the bytes of files.
func (s *site) linked302() bool { _, embedded := s.stores.Objects.(web.PartReceiver); return !embedded }

// mustBeTheExample compares an answer with the document's example, both as JSON.
func (s *site) mustBeTheExample(what, mediaType string, example any, body string) {
	s.t.Helper()
	text, err := json.Marshal(example)
	if lines, ok := example.(string); ok {
		text, err = []byte(lines), nil
	}
	if err != nil {
		s.t.Fatal(err)
	}
	var want, got any
	if err := json.Unmarshal(text, &want); err != nil {
		s.t.Fatalf("%s: the example of %s: %v", what, mediaType, err)
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		s.t.Fatalf("%s: the answer %s: %v", what, body, err)
	}
	if !reflect.DeepEqual(got, want) {
		s.t.Errorf("%s: the document's example is\n%s\nthe answer is\n%s", what, text, body)
	}
}

// The commands for staff in docs/api.md do what they say, and are those of the document.
func TestDocumentedStaffCommands(t *testing.T) {
	t.Parallel()
	programs(t, "bash", "curl", "jq")
	script := blocks(t, "shell")
	d, err := json.Marshal(description(t).document.Paths.Find("/staff/people").Get.Extensions["x-codeSamples"])
	if err != nil {
		t.Fatal(err)
	}
	var samples []struct{ Source string }
	if err := json.Unmarshal(d, &samples); err != nil || len(samples) != 2 {
		t.Fatalf("the document's samples are %s, %v", d, err)
	}
	for _, sample := range samples {
		if !strings.Contains(script, sample.Source) {
			t.Errorf("docs/api.md has not what the document shows:\n%s", sample.Source)
		}
	}
	s := open(t, setup{})
	var want []string
	for i := range 250 {
		name := "Person " + strconv.Itoa(i)
		receipt := dossier.NewReceipt()
		if _, err := s.svc.Register(t.Context(), receipt, dossier.Details{Name: name, Location: "Oslo", Age: 40,
			Technology: "Go"}); err != nil {
			t.Fatal(err)
		}
		want = append(want, receipt.Person.String()+"\t"+name)
	}
	slices.Reverse(want)
	folder := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", script)
	cmd.Dir, cmd.Stdin = folder, strings.NewReader(s.token()+"\n")
	cmd.Env = append(os.Environ(), "SITE=http://"+s.addr)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	// The first page alone, then all pages.
	if got := strings.Split(strings.TrimSpace(string(out)), "\n"); !slices.Equal(got, append(want[:100:100], want...)) {
		t.Errorf("%d lines:\n%s", len(got), out)
	}
	text, err := os.ReadFile(filepath.Join(folder, "people.jsonl"))
	if err != nil || strings.Count(string(text), "\n") != len(want) {
		t.Errorf("the export has %d lines, %v", strings.Count(string(text), "\n"), err)
	}
	info, err := os.Stat(filepath.Join(folder, "token"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the token's file has mode %v, %v", info.Mode(), err)
	}
}
