package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/modfile"

	"dossier.example/plan"
	"dossier.example/plan/internal/apart"
)

// A program is compiled in two steps. What it requires is fetched by files that say that alone (go.mod, go.work and
// their sums, copied to another folder), so that what reads the network reads no source and writes nothing into the
// repository. What reads its sources has no network, and of this system's files Go's own and the repository's, which it
// cannot change. Neither heeds what a repository could have Go start: there are no flags of the environment, and no C.

// compileTime bounds a build from empty caches.
const compileTime = 30 * time.Minute

// compileMemory bounds it: the SDK of AWS takes a few gigabytes for each processor.
const compileMemory = 12 << 30

// mostSaid is how much of what the compiler says is shown: its first messages are those that count. mostCompiled is
// how much it may say before it is stopped.
const (
	mostSaid     = 8 << 10
	mostCompiled = 64 << 20
)

// maxModuleFile bounds a file that says what a program requires, in bytes.
const maxModuleFile = 16 << 20

// asked are the settings of Go that the steps are told. Others are as without any.
var asked = []string{"GOAMD64", "GOARM64", "GOAUTH", "GOCACHE", "GOEXPERIMENT", "GOFIPS140", "GOINSECURE", "GOMODCACHE",
	"GONOPROXY", "GONOSUMDB", "GOPATH", "GOPRIVATE", "GOPROXY", "GOSUMDB", "GOVCS"}

// fetching are those of them that are for what reads the network.
var fetching = []string{"GOAUTH", "GOINSECURE", "GONOPROXY", "GONOSUMDB", "GOPRIVATE", "GOPROXY", "GOSUMDB", "GOVCS"}

// compiler builds one program.
type compiler struct {
	of *program
	// dir is a folder of its own, with the copies and what is built.
	dir string
	// settings are those of Go, by name.
	settings map[string]string
	// modules are the folders of the Go modules that the program is made of, own the first; vendored tells that the
	// repository has what they require.
	modules  []string
	vendored bool
	// inside is the folder of the copy of own.
	inside string
}

// build compiles a program into a file, unless that is there already. Where it does not compile, the program says why.
func build(ctx context.Context, of *program, file string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, compileTime, fmt.Errorf("it took more than %v", compileTime))
	defer cancel()
	fail := func(err error) error {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return fmt.Errorf("building the program of %s: %w", of.tree.name, err)
	}
	c := &compiler{of: of, dir: file + ".d"}
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		return fail(err)
	}
	if err := c.lay(); err != nil {
		if broken, is := errors.AsType[*moduleError](err); is {
			return c.fault(broken.Error())
		}
		return fail(err)
	}
	if said, err := c.ask(ctx); err != nil {
		return fail(fmt.Errorf("install Go 1.26 or newer (https://go.dev/dl/): %w", err))
	} else if said != "" {
		return c.fault(said)
	}
	sources, err := of.fingerprint()
	if err != nil {
		return err
	}
	made := strings.Join([]string{sources, c.settings["GOVERSION"], c.settings["GOHOSTOS"], c.settings["GOHOSTARCH"],
		c.settings["CGO_ENABLED"]}, " ")
	note := file + ".of"
	if was, err := os.ReadFile(note); err == nil && string(was) == made {
		if _, err := os.Stat(file); err == nil {
			of.file = file
			return nil
		}
	}
	if err := os.Remove(note); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fail(err)
	}
	if !c.vendored {
		if said, err := c.fetch(ctx); err != nil {
			return fail(err)
		} else if said != "" {
			return c.fault(said)
		}
	}
	if said, err := c.compile(ctx, file); err != nil {
		return fail(err)
	} else if said != "" {
		return c.fault(said)
	}
	of.file = file
	return os.WriteFile(note, []byte(made), 0o644)
}

// fault tells why the program does not compile, in words that name no folder of this machine.
func (c *compiler) fault(said string) error {
	for i, dir := range c.modules {
		name, err := filepath.Rel(c.of.tree.dir, dir)
		if err != nil || !filepath.IsLocal(name) {
			name = filepath.Base(dir)
		}
		said = strings.ReplaceAll(said, c.copyOf(i), filepath.ToSlash(name))
	}
	said = strings.ReplaceAll(said, c.of.tree.dir+string(filepath.Separator), "")
	said = strings.ReplaceAll(said, c.of.tree.dir, "the repository")
	if said = strings.TrimSpace(said); len(said) > mostSaid {
		said = strings.ToValidUTF8(said[:mostSaid], "") + "\n(cut here)"
	}
	for _, m := range mends {
		if m.fault.MatchString(said) {
			said += "\n" + m.mend
			break
		}
	}
	c.of.fault = &plan.Fault{Kind: plan.FaultBuild, Said: said}
	return nil
}

// mends are what to do about faults of which Go says what is wrong, and not what to do about it where a plan is made.
var mends = []struct {
	fault *regexp.Regexp
	mend  string
}{
	{regexp.MustCompile(`requires go >= |invalid go version|unknown GOTOOLCHAIN|download go1\.`),
		"Install the Go that it asks for (in the action: the input go-version), or let Go fetch it: GOTOOLCHAIN=auto."},
	{regexp.MustCompile(`inconsistent vendoring|not marked as explicit in vendor|cannot find module providing .* ` +
		`import lookup disabled by -mod=vendor`), "Run go mod vendor, and commit the folder vendor."},
	{regexp.MustCompile(`missing go\.sum entry|no required module provides|updates to go\.(mod|sum|work)`),
		"Run go mod tidy, and commit go.mod and go.sum."},
	{regexp.MustCompile(`pattern \S+: no matching files found`), "A plan runs no build: commit a file that matches, " +
		"which may be empty, for base as well."},
	{regexp.MustCompile(`build constraints exclude all Go files`),
		"Name the build tags: tags of the project in stackplan.yaml."},
	{regexp.MustCompile(`replacement directory \S+ does not exist`), "What a module is replaced by has to be in this " +
		"repository, or among its submodules: a plan reads no other folder."},
	{regexp.MustCompile(`no Go files in |^` + notMain), "If the program is made of another package, such as where " +
		"Pulumi.yaml names a binary, name its folder: package of the project in stackplan.yaml."},
	{regexp.MustCompile(`(?s)^Fetching .*(40[0134] |410 Gone|could not read Username|terminal prompts disabled|` +
		`unknown revision|Repository not found|[Pp]ermission denied|Could not resolve host|no such host)`),
		"Where a plan is made, Go has to get every module. For one that is private, set GOPRIVATE there and let git " +
			"sign in, or vendor it: go mod vendor."},
}

// lay puts copies of what says what the program requires into a folder.
func (c *compiler) lay() error {
	work := c.of.workspace()
	root := c.of.tree.files()
	own, has := above(root, c.of.pkg(), "go.mod")
	if !has {
		return fmt.Errorf("there is no go.mod in %s or above", where(c.of.pkg()))
	}
	for _, name := range []string{"copies", "work"} {
		if err := os.RemoveAll(filepath.Join(c.dir, name)); err != nil {
			return err
		}
	}
	c.add(filepath.Join(c.of.tree.dir, filepath.FromSlash(own)))
	c.vendored = work == "off" && exists(root, path.Join(own, "vendor", "modules.txt"))
	if work != "off" {
		text, err := c.read(work)
		if err != nil {
			return fmt.Errorf("reading go.work: %w", err)
		}
		parsed, err := modfile.ParseWork("go.work", text, nil)
		if err != nil {
			return &moduleError{err}
		}
		_, err = c.read(filepath.Join(filepath.Dir(work), "vendor", "modules.txt"))
		c.vendored = err == nil
		for _, use := range parsed.Use {
			c.add(absolute(filepath.Dir(work), use.Path))
		}
		for _, r := range parsed.Replace {
			if modfile.IsDirectoryPath(r.New.Path) {
				c.add(absolute(filepath.Dir(work), r.New.Path))
			}
		}
		if err := c.copyWork(work, parsed); err != nil {
			return err
		}
	}
	for i := 0; i < len(c.modules); i++ {
		if err := c.copyModule(i); err != nil {
			return err
		}
	}
	c.inside = c.copyOf(0)
	return nil
}

// absolute is a path in a file of Go's, from the folder of that file.
func absolute(dir, name string) string {
	name = filepath.FromSlash(name)
	if filepath.IsAbs(name) {
		return filepath.Clean(name)
	}
	return filepath.Join(dir, name)
}

func (c *compiler) add(dir string) {
	if !slices.Contains(c.modules, dir) {
		c.modules = append(c.modules, dir)
	}
}

func (c *compiler) copyOf(i int) string { return filepath.Join(c.dir, "copies", strconv.Itoa(i)) }

// read reads a file of the repository, which no link may lead out of, or one that this command wrote.
func (c *compiler) read(file string) ([]byte, error) {
	name, err := filepath.Rel(c.of.tree.dir, file)
	if err == nil && filepath.IsLocal(name) && file != c.of.work {
		return inTree(c.of.tree.dir, filepath.ToSlash(name), maxModuleFile)
	}
	if c.of.work != "" && (file == c.of.work || filepath.Dir(file) == ownModule()) {
		return os.ReadFile(file)
	}
	return nil, fs.ErrNotExist // nothing else is read outside the repository
}

// copyModule copies the go.mod and go.sum of a module. Where a module is replaced by a folder that is not there, that
// is for the compiler to say, if it needs it.
func (c *compiler) copyModule(i int) error {
	to := c.copyOf(i)
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	text, err := c.read(filepath.Join(c.modules[i], "go.mod"))
	if err != nil {
		return os.WriteFile(filepath.Join(to, "go.mod"), fmt.Appendf(nil, "module absent.invalid/m%d\n", i), 0o644)
	}
	mod, err := modfile.Parse(filepath.Join(c.modules[i], "go.mod"), text, nil)
	if err == nil && mod.Module == nil {
		err = fmt.Errorf("%s names no module", filepath.Join(c.modules[i], "go.mod"))
	}
	if err != nil {
		return &moduleError{err}
	}
	for _, r := range slices.Clone(mod.Replace) {
		if !modfile.IsDirectoryPath(r.New.Path) {
			continue
		}
		dir := absolute(c.modules[i], r.New.Path)
		c.add(dir)
		if err := mod.AddReplace(r.Old.Path, r.Old.Version, c.copyOf(slices.Index(c.modules, dir)), ""); err != nil {
			return err
		}
	}
	formatted, err := mod.Format()
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(to, "go.mod"), formatted, 0o644); err != nil {
		return err
	}
	if sums, err := c.read(filepath.Join(c.modules[i], "go.sum")); err == nil {
		return os.WriteFile(filepath.Join(to, "go.sum"), sums, 0o644)
	}
	return nil
}

// copyWork writes the workspace twice: of the copies, to fetch by, and of the modules themselves, to compile by, so
// that Go writes the sums that it misses beside that one.
func (c *compiler) copyWork(file string, parsed *modfile.WorkFile) error {
	sums, err := c.read(strings.TrimSuffix(file, ".work") + ".work.sum")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	text := modfile.Format(parsed.Syntax)
	for name, place := range map[string]func(dir string) string{
		"copies": func(dir string) string { return c.copyOf(slices.Index(c.modules, dir)) },
		"work":   func(dir string) string { return dir },
	} {
		work, err := modfile.ParseWork("go.work", text, nil)
		if err != nil {
			return err
		}
		for _, use := range parsed.Use {
			at := place(absolute(filepath.Dir(file), use.Path))
			if err := errors.Join(work.DropUse(use.Path), work.AddUse(at, "")); err != nil {
				return err
			}
		}
		for _, r := range parsed.Replace {
			if !modfile.IsDirectoryPath(r.New.Path) {
				continue
			}
			if err := work.AddReplace(r.Old.Path, r.Old.Version, place(absolute(filepath.Dir(file), r.New.Path)),
				""); err != nil {
				return err
			}
		}
		work.Cleanup()
		to := filepath.Join(c.dir, name)
		if err := os.MkdirAll(to, 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, "go.work"), modfile.Format(work.Syntax), 0o644); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, "go.work.sum"), sums, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// workIn is GOWORK for one of the steps.
func (c *compiler) workIn(step string) string {
	switch work := c.of.workspace(); {
	case work == "off":
		return work
	case c.vendored && step == "work":
		return work // Go looks beside it for what it requires
	}
	return filepath.Join(c.dir, step, "go.work")
}

// ask asks Go for its settings, in a folder where it finds which Go the program asks for. said is why it does not know.
func (c *compiler) ask(ctx context.Context) (said string, err error) {
	names := append([]string{"CGO_ENABLED", "GOHOSTARCH", "GOHOSTOS", "GOROOT", "GOVERSION"}, asked...)
	out := new(bytes.Buffer)
	said, err = c.online(ctx, "go", nil, out, append([]string{"env", "-json"}, names...)...)
	if err != nil || said != "" {
		return said, err
	}
	return "", json.Unmarshal(out.Bytes(), &c.settings)
}

// fetch downloads what the program requires.
func (c *compiler) fetch(ctx context.Context) (said string, err error) {
	wanted := map[string]bool{}
	for i := range c.modules {
		text, err := os.ReadFile(filepath.Join(c.copyOf(i), "go.mod"))
		if err != nil {
			return "", err
		}
		mod, err := modfile.ParseLax("go.mod", text, nil)
		if err != nil {
			return "", err
		}
		if concerns, err := c.concerns(i); err != nil {
			return "", err
		} else if concerns {
			for _, r := range mod.Require {
				wanted[r.Mod.Path] = true
			}
		}
	}
	for i := range c.modules {
		text, err := os.ReadFile(filepath.Join(c.copyOf(i), "go.mod"))
		if err != nil {
			return "", err
		}
		delete(wanted, modfile.ModulePath(text))
		mod, err := modfile.Parse("go.mod", text, nil)
		if err != nil {
			return "", err
		}
		for _, r := range mod.Replace {
			if modfile.IsDirectoryPath(r.New.Path) {
				delete(wanted, r.Old.Path)
			}
		}
	}
	if len(wanted) == 0 {
		return "", nil
	}
	env := []string{"GOENV=off", "GOFLAGS=", "GOTOOLCHAIN=local"}
	for _, name := range asked {
		env = append(env, name+"="+c.settings[name])
	}
	said, err = c.online(ctx, c.tool(), env, nil, append([]string{"mod", "download", "--"},
		slices.Sorted(maps.Keys(wanted))...)...)
	if err != nil {
		return "", err
	}
	if said != "" {
		return "Fetching what it requires:\n" + said, nil
	}
	return "", c.fetchRelated(ctx, env, wanted)
}

// fetchRelated downloads what else may have a package of the modules wanted, by its path: Go looks into all of them. In
// a workspace, what one module requires may bring some that no go.mod lists. What cannot be had is for the compiler to
// say, if it needs it.
func (c *compiler) fetchRelated(ctx context.Context, env []string, wanted map[string]bool) error {
	if c.workIn("copies") == "off" {
		return nil
	}
	list := new(bytes.Buffer)
	said, err := c.online(ctx, c.tool(), env, list, "list", "-m", "-f",
		"{{if not (or .Main (and .Replace (not .Replace.Version)))}}{{.Path}}{{end}}", "all")
	if err != nil || said != "" {
		return err
	}
	var related []string
	for path := range strings.FieldsSeq(list.String()) {
		for w := range wanted {
			if !wanted[path] && (strings.HasPrefix(path, w+"/") || strings.HasPrefix(w, path+"/")) {
				related = append(related, path)
				break
			}
		}
	}
	if len(related) == 0 {
		return nil
	}
	_, err = c.online(ctx, c.tool(), env, nil, append([]string{"mod", "download", "--"}, related...)...)
	return err
}

// concerns reports whether a program may be made of a module: of a workspace, it need not be made of all.
func (c *compiler) concerns(i int) (bool, error) {
	found, err := c.of.modules()
	if err != nil {
		return false, err
	}
	name, err := filepath.Rel(c.of.tree.dir, c.modules[i])
	if err != nil || !filepath.IsLocal(name) {
		return true, nil
	}
	return slices.Contains(found.compiled, filepath.ToSlash(name)), nil
}

// tool is the go command that was chosen.
func (c *compiler) tool() string {
	name := "go"
	if c.settings["GOHOSTOS"] == "windows" {
		name = "go.exe"
	}
	return filepath.Join(c.settings["GOROOT"], "bin", name)
}

// online runs Go beside the copies, with the network. said is what it writes where it fails by itself.
func (c *compiler) online(ctx context.Context, name string, env []string, out *bytes.Buffer,
	args ...string) (said string,
	err error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = c.inside
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "GOWORK=") || strings.HasPrefix(v, "PWD=") || strings.HasPrefix(v, "GOFLAGS=") ||
			strings.HasPrefix(v, "GOOS=") || strings.HasPrefix(v, "GOARCH=")
	}), append(env, "GOWORK="+c.workIn("copies"))...)
	wrote := &apart.Beginning{Keep: mostSaid + 1}
	faults := &quietly{to: wrote}
	cmd.Stderr = faults
	if out != nil {
		cmd.Stdout = out
	}
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	err = cmd.Run()
	faults.end()
	if _, failed := errors.AsType[*exec.ExitError](err); failed && ctx.Err() == nil {
		return cmp.Or(strings.TrimSpace(wrote.String()), err.Error()), nil
	}
	return "", err
}

// compile compiles the program apart from this system. said is what the compiler says against it.
func (c *compiler) compile(ctx context.Context, file string) (said string, err error) {
	temp := filepath.Join(c.dir, "temp")
	home := filepath.Join(c.dir, "home")
	for _, dir := range []string{temp, home} {
		if err := os.RemoveAll(dir); err != nil {
			return "", err
		}
		if err := os.Mkdir(dir, 0o755); err != nil {
			return "", err
		}
		defer os.RemoveAll(dir)
	}
	cgo := c.settings["CGO_ENABLED"]
	tags := "-tags=" + strings.Join(c.of.config.Tags, ",")
	var foreign []string
	if cgo == "1" {
		// Go's own packages are compiled with C as everywhere else, so that what is compiled already is found.
		list, fault, err := c.offline(ctx, cgo, "list", "-deps", "-buildvcs=false", tags, "-f",
			`{{if not .Standard}}{{if or .CgoFiles `+
				`.SwigFiles .SwigCXXFiles}}{{.ImportPath}}{{end}}{{end}}`, ".")
		if err != nil {
			return "", err
		}
		if foreign = strings.Fields(list); fault || len(foreign) > 0 {
			cgo = "0"
		}
		if fault {
			foreign = nil
		}
	}
	made := filepath.Join(c.dir, "made")
	// Go links only what differs from the program that it finds there. Linking takes most of the time, and what is
	// beside the sources changes more often.
	if err := os.Rename(file, made); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	// The state of git is no part of the program. What debuggers read takes a third of the time of linking.
	said, failed, err := c.offline(ctx, cgo, "build", "-buildvcs=false", "-ldflags=-s -w", tags, "-o", made, ".")
	if err != nil {
		return "", err
	}
	if failed {
		if len(foreign) > 0 {
			said += "\nA plan compiles no C, which these packages are made of: " + strings.Join(foreign, ", ")
		}
		return cmp.Or(said, "it does not compile"), nil
	}
	if library, err := isLibrary(made); err != nil {
		return "", err
	} else if library {
		return notMain, nil
	}
	return "", os.Rename(made, file)
}

// notMain is what is wrong where Go compiles a package, and makes no program of it.
const notMain = "it is no program: its package is not main"

// isLibrary reports whether a file that Go made is an archive: that of a package that is not main.
func isLibrary(file string) (bool, error) {
	f, err := os.Open(file)
	if err != nil {
		return false, err
	}
	defer f.Close()
	const magic = "!<arch>\n"
	start := make([]byte, len(magic))
	if _, err := io.ReadFull(f, start); err != nil {
		return false, err
	}
	return string(start) == magic, nil
}

// offline runs Go on the program, apart from this system. failed tells that it failed by itself, or took too much.
func (c *compiler) offline(ctx context.Context, cgo string, args ...string) (said string, failed bool, err error) {
	env := []string{"GOENV=off", "GOFLAGS=", "GOTOOLCHAIN=local", "GOTELEMETRY=off", "CGO_ENABLED=" + cgo,
		"GOROOT=" + c.settings["GOROOT"], "GOWORK=" + c.workIn("work"), "GOTMPDIR=" + filepath.Join(c.dir, "temp")}
	for _, name := range asked {
		if !slices.Contains(fetching, name) {
			env = append(env, name+"="+c.settings[name])
		}
	}
	// What was fetched was verified then.
	env = append(env, "GOPROXY=off", "GOSUMDB=off", "GOVCS=*:off")
	env = append(env, environment(filepath.Join(c.dir, "home"))...)
	if err := os.MkdirAll(c.settings["GOCACHE"], 0o755); err != nil {
		return "", false, err
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	wrote := &apart.Beginning{Keep: mostSaid + 1, Most: mostCompiled, Stop: func() {
		stop(&apart.ExceededError{What: fmt.Sprintf("the compiler wrote more than %d MB and was stopped",
			mostCompiled>>20)})
	}}
	read := append(tools(), c.settings["GOROOT"], c.settings["GOMODCACHE"])
	if c.of.work != "" { // it has this command's own module
		read = append(read, ownModule())
	}
	memory := uint64(compileMemory)
	if has := apart.MemoryOfSystem(); has > 0 {
		memory = min(memory, has/4*3)
	}
	err = apart.Run(ctx, apart.Program{Path: c.tool(), Args: args,
		Dir: filepath.Join(c.of.tree.dir, filepath.FromSlash(c.of.pkg())), Env: env, Output: wrote,
		Memory: memory, Files: apart.Files{Tree: c.of.tree.dir, Read: read,
			Write: []string{c.settings["GOCACHE"], c.dir}}})
	said = strings.TrimSpace(wrote.String())
	if ctx.Err() != nil {
		if tooMuch, is := errors.AsType[*apart.ExceededError](context.Cause(ctx)); is {
			return tooMuch.What + "\n" + said, true, nil
		}
		return "", false, context.Cause(ctx)
	}
	if exceeded, is := errors.AsType[*apart.ExceededError](err); is {
		return exceeded.What + "\n" + said, true, nil
	}
	_, failed = errors.AsType[*exec.ExitError](err)
	if failed {
		err = nil
	}
	return said, failed, err
}

// quietly passes on lines but those that tell what Go downloads: of a program with many modules they would be all that
// is kept, and the fault comes after them.
type quietly struct {
	to   io.Writer
	rest []byte
}

// Write implements io.Writer.
func (q *quietly) Write(p []byte) (int, error) {
	q.rest = append(q.rest, p...)
	for {
		line, rest, whole := bytes.Cut(q.rest, []byte("\n"))
		if !whole && len(line) <= mostSaid {
			return len(p), nil
		}
		q.rest = rest
		if whole {
			line = append(line[:len(line):len(line)], '\n')
		}
		if err := q.pass(line); err != nil {
			return 0, err
		}
	}
}

func (q *quietly) pass(line []byte) error {
	if bytes.HasPrefix(line, []byte("go: downloading ")) {
		return nil
	}
	_, err := q.to.Write(line)
	return err
}

// end passes on what no end of a line came after.
func (q *quietly) end() { _ = q.pass(q.rest) } // a head takes everything
