package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// patches is the folder of the changes, below the repository's root.
const patches = "tools/changes/testdata"

// change is one of the ten: a patch file that begins with lines of the form "Key: value".
type change struct {
	// name is the file's name without its extension, such as 04-throttle-alarm.
	name string
	// title is the heading of the change in docs/ten-changes.md.
	title string
	// goal is the most files that may have to be written by hand.
	goal int
	// files are those that the patch writes; created are the new ones among them.
	files, created []string
	// generate are the commands that write what is generated, and generated the patterns of the files that they change.
	generate, generated []string
	// tests are the commands that run the tests that the change concerns, as far as those that generate do not.
	tests []string
}

var patchedFile = regexp.MustCompile(`(?m)^diff --git a/\S+ b/(\S+)\n(new file)?`)

// readChange reads the patch file of a change.
func readChange(root, name string) (change, error) {
	c := change{name: name}
	text, err := os.ReadFile(c.path(root))
	if err != nil {
		return c, err
	}
	head, diff, found := strings.Cut("\n"+string(text), "\ndiff --git ")
	if !found {
		return c, fmt.Errorf("%s changes no file", c.path(""))
	}
	for line := range strings.Lines(strings.TrimSpace(head)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch key {
		case "Change":
			c.title = value
		case "Goal":
			if c.goal, err = strconv.Atoi(value); err != nil {
				return c, fmt.Errorf("%s: %q is not a number of files", c.path(""), value)
			}
		case "Generate":
			c.generate = append(c.generate, value)
		case "Generated":
			c.generated = append(c.generated, strings.Fields(value)...)
		case "Test":
			c.tests = append(c.tests, value)
		default:
			return c, fmt.Errorf("%s: %q is none of Change, Goal, Generate, Generated and Test", c.path(""), key)
		}
	}
	for _, m := range patchedFile.FindAllStringSubmatch("diff --git "+diff, -1) {
		c.files = append(c.files, m[1])
		if m[2] != "" {
			c.created = append(c.created, m[1])
		}
	}
	tests := slices.ContainsFunc(slices.Concat(c.generate, c.tests), func(line string) bool {
		return strings.HasPrefix(line, "go test ")
	})
	if c.title == "" || c.goal == 0 || !tests {
		return c, fmt.Errorf("%s needs a Change, a Goal, and a command that runs tests", c.path(""))
	}
	return c, nil
}

// readChanges reads all of them, in the order of their names.
func readChanges(root string) ([]change, error) {
	names, err := filepath.Glob(filepath.Join(root, patches, "*.patch"))
	if err != nil {
		return nil, err
	}
	all := make([]change, len(names))
	for i, name := range names {
		if all[i], err = readChange(root, strings.TrimSuffix(filepath.Base(name), ".patch")); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (c change) path(root string) string { return filepath.Join(root, patches, c.name+".patch") }

// tree is a copy of the repository's files, as they are in the working tree, with a history of its own.
type tree struct {
	dir string
	ctx context.Context
	// at is the folder that the copy is seen in place of by the commands that run in it; empty: it is seen where it is.
	at string
	// linked is the folder in which programs of tests stay, below the copy; empty: none stays.
	linked string
}

// linked is the folder of what go test links for the changes, which is most of what they cost. Go links again only what
// differs from what it finds there.
const linked = "bin/changes/linked"

// shared are the folders that the copy has in common with the repository: what tools/install puts there, and linked.
var shared = []string{".tools", "tools/node_modules", linked}

// copyTree makes a copy, in place of one that is there.
func copyTree(ctx context.Context, root, dir string) (*tree, error) {
	t := &tree{dir: dir, ctx: ctx}
	if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	list := exec.CommandContext(ctx, "git", "-c", "safe.directory="+root, "-C", root, "ls-files", "-z", "--cached",
		"--others", "--exclude-standard")
	names, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("list the files of %s: %w%s", root, err, stderr(err))
	}
	for name := range strings.SplitSeq(strings.TrimRight(string(names), "\x00"), "\x00") {
		// A file may be removed and still be in the index.
		err := copyFile(filepath.Join(root, name), filepath.Join(dir, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	for _, name := range shared {
		from, to := filepath.Join(root, name), filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(to), 0o755), os.Symlink(from, to)); err != nil {
			return nil, err
		}
	}
	if _, err := t.git("init", "--quiet"); err != nil {
		return nil, err
	}
	return t, t.commit("tree")
}

// seenAt has the commands that run in the copy see it in place of the repository, if this system lets them: Go then
// finds what it compiled there, which it does again for a package in another folder.
func (t *tree) seenAt(root string) error {
	if exec.CommandContext(t.ctx, "unshare", slices.Concat(apart(), []string{"mount", "--bind", t.dir, root})...).
		Run() != nil {
		return nil
	}
	// A link to the repository would lead back to the copy.
	for _, name := range shared {
		if err := os.Remove(filepath.Join(t.dir, name)); err != nil {
			return err
		}
		if err := os.Mkdir(filepath.Join(t.dir, name), 0o755); err != nil {
			return err
		}
	}
	t.at = root
	return nil
}

// apart are the flags of unshare for a command that mounts what no other sees.
func apart() []string {
	if os.Geteuid() == 0 {
		return []string{"--mount"}
	}
	return []string{"--mount", "--user", "--map-root-user"}
}

// seen is a script that runs a command line in the copy, seen in place of the repository.
const seen = `set -e
root=$1 copy=$2 line=$3
shift 3
for name; do
	if [ -e "$root/$name" ]; then mount --bind "$root/$name" "$copy/$name"; fi
done
mount --rbind "$copy" "$root"
cd "$root"
exec bash -c "$line"
`

func copyFile(from, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	info, err := source.Stat()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	target, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, info.Mode().Perm())
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	return cmp.Or(err, target.Close())
}

// git runs git in the copy, untouched by the user's configuration.
func (t *tree) git(args ...string) (string, error) {
	cmd := exec.CommandContext(t.ctx, "git",
		append([]string{"-c", "user.name=changes", "-c", "user.email=changes@localhost"}, args...)...)
	cmd.Dir = t.dir
	// In a folder that is no repository, it would take the one around it: this one.
	cmd.Env = append(cleanEnvironment("GIT_"), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1",
		"GIT_CEILING_DIRECTORIES="+filepath.Dir(t.dir))
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("git %s in %s: %w%s", strings.Join(args, " "), t.dir, err, stderr(err))
	}
	return string(out), nil
}

func stderr(err error) string {
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		return "\n" + string(failed.Stderr)
	}
	return ""
}

func (t *tree) commit(message string) error {
	if _, err := t.git("add", "--all"); err != nil {
		return err
	}
	_, err := t.git("commit", "--quiet", "--allow-empty", "--message", message)
	return err
}

// changed returns the files that differ from what was last committed.
func (t *tree) changed() ([]string, error) {
	if _, err := t.git("add", "--all"); err != nil {
		return nil, err
	}
	out, err := t.git("diff", "--cached", "--name-only", "--no-renames", "-z")
	if err != nil || out == "" {
		return nil, err
	}
	return strings.Split(strings.TrimRight(out, "\x00"), "\x00"), nil
}

// opened is the tag of the files of a copy as they were when it was opened or kept: nobody's edits are in them, or all
// are in the patch.
const opened = "opened"

// markOpened remembers what the copy has.
func (t *tree) markOpened() error {
	files, err := t.files()
	if err != nil {
		return err
	}
	_, err = t.git("tag", "--force", opened, files)
	return err
}

// asOpened reports whether the copy has what was remembered.
func (t *tree) asOpened() (bool, error) {
	was, err := t.git("rev-parse", "--verify", "--quiet", "refs/tags/"+opened)
	if err != nil {
		return false, err
	}
	files, err := t.files()
	return files == strings.TrimSpace(was), err
}

// files returns the name that Git gives to all files of the copy and their content.
func (t *tree) files() (string, error) {
	if _, err := t.git("add", "--all"); err != nil {
		return "", err
	}
	name, err := t.git("write-tree")
	return strings.TrimSpace(name), err
}

// indexLine names contents that only the copy has.
var indexLine = regexp.MustCompile(`(?m)^index [0-9a-f]+\.\.[0-9a-f]+( [0-7]+)?\n`)

// diff returns what differs from what was last committed, with as little context as lets git find the place: so the
// patch still applies when its neighborhood changes.
func (t *tree) diff() (string, error) {
	if _, err := t.git("add", "--all"); err != nil {
		return "", err
	}
	diff, err := t.git("diff", "--cached", "--no-renames", "--no-color", "--unified=1", "--", ":!*.rej")
	return indexLine.ReplaceAllString(diff, ""), err
}

// run runs a command line as a contributor would who stands in the copy. The error contains what it says. Tests that
// do not exist are one.
func (t *tree) run(line string) error {
	line = t.linking(line)
	cmd := exec.CommandContext(t.ctx, "bash", "-c", line)
	if t.at != "" {
		cmd = exec.CommandContext(t.ctx, "unshare", slices.Concat(apart(),
			[]string{"bash", "-c", seen, "bash", t.at, t.dir, line}, shared)...)
	}
	cmd.Dir = t.dir
	// Symbols, for debuggers and others, would take half of the time of linking, and go vet runs once for all.
	cmd.Env = append(cleanEnvironment("GIT_", "GOWORK", "GOFLAGS", "MAKE", "MFLAGS", "PWD", "DOSSIER_TEST_REQUIRE"),
		"GOFLAGS=-buildvcs=false -ldflags=-s -vet=off")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", line, err, out)
	}
	if bytes.Contains(out, []byte("no tests to run")) {
		return fmt.Errorf("%s: there are no such tests\n%s", line, out)
	}
	return nil
}

// linking is a command line that keeps what it links, if it runs tests.
func (t *tree) linking(line string) string {
	tests, are := strings.CutPrefix(line, "go test ")
	if !are || t.linked == "" {
		return line
	}
	return fmt.Sprintf("go test -o %s/ %s", t.linked, tests)
}

// cleanEnvironment is this process's, without the variables whose names begin so.
func cleanEnvironment(without ...string) (env []string) {
	for _, v := range os.Environ() {
		if !slices.ContainsFunc(without, func(prefix string) bool { return strings.HasPrefix(v, prefix) }) {
			env = append(env, v)
		}
	}
	return env
}

// header returns the lines of a patch file that stand before the patch itself.
func header(text []byte) []byte {
	var head bytes.Buffer
	for scanner := bufio.NewScanner(bytes.NewReader(text)); scanner.Scan(); {
		if bytes.HasPrefix(scanner.Bytes(), []byte("diff --git ")) {
			break
		}
		head.Write(append(bytes.Clone(scanner.Bytes()), '\n'))
	}
	return head.Bytes()
}
