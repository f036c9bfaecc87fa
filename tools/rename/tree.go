package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"go/format"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
	"golang.org/x/mod/modfile"
)

// tree is a checkout: the files that Git tracks.
type tree struct {
	root    string
	files   []file
	project project
	// rooms are the first folders of the Go modules.
	rooms []string
}

type file struct {
	path string
	mode fs.FileMode
	// text is the content, uncompressed; nothing of a file that is no text, and of one that is left alone.
	text string
}

// own is the folder of this program, which names no project and renames any.
const own = "tools/rename/"

// opaque reports whether the words in a file name nothing: certificates, and the list of passwords.
func opaque(name string) bool {
	return path.Ext(name) == ".pem" || name == "app/staff/common-passwords.txt"
}

// leftAlone reports whether a file stays as it is: licenses require that their notices stay, sums are of other modules,
// and what is opaque may have any word.
func leftAlone(name string) bool {
	base := path.Base(name)
	for _, notice := range []string{"LICENSE", "LICENCE", "NOTICE", "COPYING"} {
		if strings.HasPrefix(base, notice) {
			return true
		}
	}
	return opaque(name) || base == "go.sum" || base == "go.work.sum" || strings.HasPrefix(name, own)
}

// open reads a checkout that has no uncommitted changes.
func open(ctx context.Context, root string) (*tree, error) {
	prefix, err := git(ctx, root, "rev-parse", "--show-prefix")
	if err != nil {
		return nil, fmt.Errorf("open the checkout in %s: %w; use a clone of the repository, because only files that "+
			"Git tracks are renamed", root, err)
	}
	if strings.TrimSpace(prefix) != "" {
		return nil, fmt.Errorf("%s is not the root of a checkout; run \"make new\" there", root)
	}
	status, err := git(ctx, root, "status", "--porcelain")
	if err != nil {
		return nil, fmt.Errorf("look for changes in %s: %w", root, err)
	}
	if lines := strings.Split(strings.TrimRight(status, "\n"), "\n"); lines[0] != "" {
		more := ""
		if len(lines) > 3 {
			lines, more = lines[:3], ", …"
		}
		return nil, fmt.Errorf("the checkout has uncommitted changes (%s%s); commit or stash them "+
			"(git stash --include-untracked), so that the renaming can be reviewed and undone by itself",
			strings.Join(lines, ", "), more)
	}
	names, err := git(ctx, root, "ls-files", "-z")
	if err != nil {
		return nil, fmt.Errorf("list the files of %s: %w", root, err)
	}
	t := &tree{root: root}
	for name := range strings.SplitSeq(strings.TrimRight(names, "\x00"), "\x00") {
		if err := t.read(name); err != nil {
			return nil, err
		}
	}
	return t, t.identify()
}

func git(ctx context.Context, root string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", append([]string{"-C", root}, args...)...)
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) && len(exit.Stderr) > 0 {
		err = errors.New(strings.TrimSpace(string(exit.Stderr)))
	}
	return string(out), err
}

func (t *tree) read(name string) error {
	info, err := os.Lstat(filepath.Join(t.root, name))
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	f := file{path: name, mode: info.Mode()}
	if info.Mode().IsRegular() && !leftAlone(name) {
		content, err := os.ReadFile(filepath.Join(t.root, name))
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		if compressed(name) {
			content, err = uncompress(content)
		}
		if err == nil && utf8.Valid(content) && !bytes.ContainsRune(content, 0) {
			f.text = string(content)
		}
	}
	t.files = append(t.files, f)
	return nil
}

// compressed reports whether a file is one that gzip made.
func compressed(name string) bool { return path.Ext(name) == ".gz" }

func uncompress(content []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

func compress(text string) ([]byte, error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := io.WriteString(w, text); err != nil {
		return nil, err
	}
	err = w.Close()
	return b.Bytes(), err
}

// The files that say which project this is.
const (
	stackFile = "Pulumi.yaml"
	apiFile   = "app/api/openapi.yaml"
)

// identify learns the project's names from the files that give them.
func (t *tree) identify() error {
	var stack struct{ Name string }
	if err := t.yaml(stackFile, &stack); err != nil {
		return err
	}
	var api struct{ Info struct{ Title string } }
	if err := t.yaml(apiFile, &api); err != nil {
		return err
	}
	if !nameForm.MatchString(stack.Name) || !titleForm.MatchString(api.Info.Title) {
		return fmt.Errorf("the project is called %q in %s and %q in %s, which are no names that this program can "+
			"replace", stack.Name, stackFile, api.Info.Title, apiFile)
	}
	t.project = project{name: stack.Name, title: api.Info.Title}
	foreign, err := t.standIns()
	if err != nil {
		return err
	}
	for _, f := range t.files {
		folder, isModule := strings.CutSuffix(f.path, "/go.mod")
		if !isModule || strings.Contains(folder, "testdata") || foreign[folder] {
			continue
		}
		prefix, found := strings.CutSuffix(modfile.ModulePath([]byte(f.text)), "/"+folder)
		if !found || t.project.module != "" && t.project.module != prefix {
			return fmt.Errorf("%s: the module's path must be that of the others with its folder, %s/%s; correct it",
				f.path, t.project.module, folder)
		}
		t.project.module = prefix
		room, _, _ := strings.Cut(folder, "/")
		t.rooms = append(t.rooms, room)
	}
	if t.project.module == "" {
		return errors.New("no folder of the checkout has a go.mod")
	}
	slices.Sort(t.rooms)
	t.rooms = slices.Compact(t.rooms)
	return nil
}

// standIns returns the folders of modules that stand in for others of the same path, which is not the project's.
func (t *tree) standIns() (map[string]bool, error) {
	found := map[string]bool{}
	for _, f := range t.files {
		if path.Base(f.path) != "go.mod" || strings.Contains(f.path, "testdata") {
			continue
		}
		mod, err := modfile.Parse(f.path, []byte(f.text), nil)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", f.path, err)
		}
		for _, r := range mod.Replace {
			folder := path.Join(path.Dir(f.path), r.New.Path)
			there := slices.ContainsFunc(t.files, func(f file) bool {
				return f.path == folder+"/go.mod" && modfile.ModulePath([]byte(f.text)) == r.Old.Path
			})
			// What the project replaces by its own folders are its own modules.
			if r.New.Version == "" && there && !strings.HasSuffix(r.Old.Path, "/"+folder) {
				found[folder] = true
			}
		}
	}
	return found, nil
}

func (t *tree) yaml(name string, to any) error {
	i := slices.IndexFunc(t.files, func(f file) bool { return f.path == name })
	if i < 0 {
		return fmt.Errorf("the checkout has no %s, which names the project; use a clone of the repository", name)
	}
	if err := yaml.Unmarshal([]byte(t.files[i].text), to); err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	return nil
}

// call matches examples of "make new", whose names are nobody's.
var call = regexp.MustCompile(`\b(NAME|MODULE|TITLE)=("[^"\n]*"|\S+)`)

// find returns the first line that has one of the words, as file:line, or nothing.
func (t *tree) find(words []word) string {
	for _, f := range t.files {
		if strings.HasPrefix(f.path, own) {
			continue
		}
		if _, i := next(words, f.path, 0); i >= 0 {
			return f.path
		}
		text := f.text
		if strings.Contains(text, "NAME=") {
			text = call.ReplaceAllStringFunc(text, func(s string) string { return strings.Repeat(" ", len(s)) })
		}
		if _, i := next(words, text, 0); i >= 0 {
			return place(f.path, text, i)
		}
	}
	return ""
}

func place(name, text string, offset int) string {
	return fmt.Sprintf("%s:%d", name, 1+strings.Count(text[:offset], "\n"))
}

// change is what the renaming makes of a file.
type change struct {
	old, new file
}

// rename gives the project another's names. It makes every change before it writes one.
func (t *tree) rename(to project) (*outcome, error) {
	r := newRenaming(t.project, to, t.rooms)
	if r.from == to {
		return nil, fmt.Errorf("NAME=%s MODULE=%s TITLE=%q: the project is already called that; choose other names",
			to.name, to.module, to.title)
	}
	done := &outcome{renaming: r}
	var changes []change
	for _, f := range t.files {
		made, err := r.file(f)
		if err != nil {
			return nil, err
		}
		if made.path != f.path {
			if _, err := os.Lstat(filepath.Join(t.root, made.path)); err == nil {
				return nil, fmt.Errorf("rename %s: the file %s exists; remove it", f.path, made.path)
			}
		}
		if made != f {
			changes = append(changes, change{f, made})
		}
		done.look(f, made)
	}
	for _, c := range changes {
		if err := t.write(c); err != nil {
			return nil, fmt.Errorf("%w; undo the other changes with \"git reset --hard\" and \"git clean -d --force\"",
				err)
		}
	}
	return done, nil
}

// file returns what a file becomes.
func (r renaming) file(f file) (file, error) {
	if strings.HasPrefix(f.path, own) {
		return f, nil
	}
	made := file{r.text(f.path), f.mode, r.text(f.text)}
	if made.text == f.text {
		return made, nil
	}
	switch {
	case path.Base(f.path) == "go.mod":
		mod, err := modfile.Parse(f.path, []byte(made.text), nil)
		if err != nil {
			return file{}, fmt.Errorf("rename: %w", err)
		}
		mod.SortBlocks()
		made.text = string(modfile.Format(mod.Syntax))
	case path.Ext(f.path) == ".go":
		formatted, err := format.Source([]byte(made.text))
		if _, before := format.Source([]byte(f.text)); err != nil && before == nil {
			return file{}, fmt.Errorf("rename %s: the result is not valid Go: %w", f.path, err)
		}
		if err == nil {
			made.text = string(formatted)
		}
	}
	return made, nil
}

func (t *tree) write(c change) error {
	before, after := filepath.Join(t.root, c.old.path), filepath.Join(t.root, c.new.path)
	if c.new.path != c.old.path {
		if err := os.MkdirAll(filepath.Dir(after), 0o777); err != nil {
			return fmt.Errorf("rename %s: %w", c.old.path, err)
		}
		if err := os.Rename(before, after); err != nil {
			return fmt.Errorf("rename %s: %w", c.old.path, err)
		}
		// A folder goes with its last file.
		dir := path.Dir(c.old.path)
		for dir != "." && os.Remove(filepath.Join(t.root, dir)) == nil {
			dir = path.Dir(dir)
		}
	}
	if c.new.text == c.old.text {
		return nil
	}
	content := []byte(c.new.text)
	if compressed(c.new.path) {
		var err error
		if content, err = compress(c.new.text); err != nil {
			return fmt.Errorf("compress %s: %w", c.new.path, err)
		}
	}
	if err := os.WriteFile(after, content, c.new.mode.Perm()); err != nil {
		return fmt.Errorf("write %s: %w", c.new.path, err)
	}
	return nil
}
