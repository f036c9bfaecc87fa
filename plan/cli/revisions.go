package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"gopkg.in/yaml.v3"

	"dossier.example/plan"
	"dossier.example/plan/graph"
)

// tree is one revision of the repository in a folder.
type tree struct {
	// name is how the plan calls it, dir its root folder.
	name, dir string
	// program is its Pulumi program; empty where fault says that it does not compile.
	program string
	fault   *plan.Fault
	// sources is the hash of what the artifact would be made of; empty where it is not known, and where there is none.
	sources string
	// pulumi is its Pulumi.yaml; without there is none, or not the folder that it names.
	pulumi  pulumiProject
	without bool
}

// compare makes the plan from base to the working tree at root.
func (p Project) compare(ctx context.Context, root, base string, watch *stopwatch) (plan.Plan, error) {
	fail := func(err error) (plan.Plan, error) { return plan.Plan{}, err }
	root, err := filepath.Abs(root)
	if err != nil {
		return fail(err)
	}
	work := filepath.Join(root, "bin", "plan")
	if err := os.MkdirAll(work, 0o755); err != nil {
		return fail(err)
	}
	// Two plans of one checkout would write the same files.
	unlock, err := lock(filepath.Join(work, "lock"))
	if err != nil {
		return fail(err)
	}
	defer unlock()
	head := &tree{name: "The working tree", dir: root}
	before, err := checkOut(ctx, root, base, filepath.Join(work, "base"))
	if err != nil {
		return fail(err)
	}
	watch.lap("taking out " + base)

	for _, t := range []*tree{before, head} {
		if t.pulumi, err = readProject(t.dir); err == nil {
			_, err = os.Stat(filepath.Join(t.dir, filepath.FromSlash(t.pulumi.Main)))
		}
		t.without = t == before && errors.Is(err, fs.ErrNotExist)
		if err != nil && !t.without {
			return fail(fmt.Errorf("looking for the program of %s: %w", t.name, err))
		}
	}
	same := false
	if !before.without {
		if same, err = sameProgram(before, head); err != nil {
			return fail(err)
		}
	}
	// Hashing the artifact's sources runs beside: it waits for other programs, and computes little.
	var notes []string
	hashed := make(chan error, 1)
	go func() {
		var err error
		notes, err = p.hash(ctx, before, head)
		hashed <- err
	}()
	err = build(ctx, head, filepath.Join(work, "head-program"))
	watch.lap("building the program")
	if err == nil && head.fault == nil && !same && !before.without {
		err = build(ctx, before, filepath.Join(work, "base-program"))
		watch.lap("building that of base")
	}
	if same {
		before.program, before.fault = head.program, head.fault
	}
	if err := errors.Join(<-hashed, err); err != nil {
		return fail(err)
	}
	watch.lap("hashing the sources")
	if head.fault != nil {
		return plan.Make(plan.Revision{Name: before.name}, plan.Revision{Name: head.name, Build: head.fault}), nil
	}
	standIns, err := os.MkdirTemp("", "plan-")
	if err != nil {
		return fail(err)
	}
	defer os.RemoveAll(standIns)
	was, is, more, err := p.both(ctx, before, head, standIns)
	if err != nil {
		return fail(err)
	}
	watch.lap("running the programs")
	if !graph.Isolated() {
		more = append(more, "**The programs were not isolated:** this system gives processes no namespaces of their own, "+
			"so the code of the change had the network, and could read what this user may read. Where it is not to be "+
			"trusted, let nothing be there that is worth reading.")
	}
	made := plan.Make(was, is, append(notes, more...)...)
	watch.lap("comparing")
	return made, nil
}

// hash finds what identifies the artifact of both trees.
func (p Project) hash(ctx context.Context, before, head *tree) (notes []string, err error) {
	if p.Artifact == nil {
		return nil, nil
	}
	errs := make([]error, 2)
	var group sync.WaitGroup
	for i, t := range []*tree{before, head} {
		group.Go(func() { t.sources, errs[i] = p.Artifact.Sources(ctx, t.dir) })
	}
	group.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	for i, t := range []*tree{before, head} {
		if errs[i] != nil {
			t.sources = ""
			notes = append(notes,
				fmt.Sprintf("The sources of the app at %s cannot be read, so whether it changes is not known: %v",
					t.name, errs[i]))
		}
	}
	return append(notes, "The app is compared by its sources: the release's hash below is theirs, not the one that "+
		"a deployment will have."), nil
}

// both runs the programs of both trees for all of their stacks. A stack runs at base first, because what it leaves is
// what the other one finds.
func (p Project) both(ctx context.Context, before, head *tree, standIns string) (was, is plan.Revision, notes []string,
	err error) {
	was, is = plan.Revision{Name: before.name, Project: before.pulumi.Name, Build: before.fault},
		plan.Revision{Name: head.name, Project: head.pulumi.Name}
	fail := func(err error) (plan.Revision, plan.Revision, []string, error) { return was, is, nil, err }
	for _, side := range []struct {
		*tree
		*plan.Revision
	}{{before, &was}, {head, &is}} {
		if side.Migrations, err = p.migrations(side.dir); err != nil {
			return fail(err)
		}
		side.Release = side.sources
		if side.without {
			notes = append(notes, fmt.Sprintf("%s has no program, so every stack is a new one.", side.tree.name))
			continue
		}
		if side.Stacks, err = stacks(side.dir); err != nil {
			return fail(err)
		}
	}
	if len(is.Stacks) == 0 {
		return fail(fmt.Errorf("%s has no Pulumi.<stack>.yaml: is it the repository's root?", head.dir))
	}
	names := maps.Clone(is.Stacks)
	maps.Copy(names, was.Stacks)
	type outcome struct {
		was, is plan.Stack
		built   bool
		err     error
	}
	outcomes := map[string]*outcome{}
	var group sync.WaitGroup
	for name := range names {
		o := &outcome{was: was.Stacks[name], is: is.Stacks[name]}
		outcomes[name] = o
		group.Go(func() { o.built, o.err = p.stack(ctx, name, before, head, &o.was, &o.is, standIns) })
	}
	group.Wait()
	built := false
	for _, name := range slices.Sorted(maps.Keys(outcomes)) {
		o := outcomes[name]
		if o.err != nil {
			return fail(o.err)
		}
		built = built || o.built
		if _, has := was.Stacks[name]; has {
			was.Stacks[name] = o.was
		}
		if _, has := is.Stacks[name]; has {
			is.Stacks[name] = o.is
		}
	}
	if built {
		notes = append(notes, fmt.Sprintf("The program of %s is older than plans are and builds the app itself, so "+
			"that of both was built.", before.name))
	}
	return was, is, notes, nil
}

// stack runs both programs for one stack. built tells that base did not take the stand-in for its release, so that head
// got none either.
func (p Project) stack(ctx context.Context, name string, before, head *tree, was, is *plan.Stack,
	standIns string) (built bool, err error) {
	if was.Config != nil && before.fault == nil {
		if err := p.record(ctx, before, name, was, graph.Before{}, standIns); err != nil {
			return false, err
		}
	}
	if is.Config == nil {
		return false, nil
	}
	var after graph.Before
	if was.Graph != nil {
		after = plan.After(was.Graph)
		if before.sources != "" {
			stand := sha256.Sum256([]byte(before.sources))
			built = was.Graph.Exports[p.Artifact.Output] != hex.EncodeToString(stand[:])
		}
	}
	if built {
		standIns = ""
	}
	return built, p.record(ctx, head, name, is, after, standIns)
}

// record runs a tree's program for a stack, after what was there before.
func (p Project) record(ctx context.Context, t *tree, name string, s *plan.Stack, before graph.Before,
	standIns string) error {
	config, secrets := open(s.Config)
	s.Policy = p.policyOf(name, config)
	home, err := os.MkdirTemp("", "plan-home-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(home)
	env := environment(home)
	if t.sources != "" && standIns != "" {
		file := filepath.Join(standIns, t.sources)
		if err := place(file, t.sources); err != nil {
			return err
		}
		env = append(env, p.Artifact.Variable+"="+file)
	}
	files := []string{t.dir}
	if standIns != "" {
		files = append(files, standIns)
	}
	s.Graph, err = graph.Run(ctx,
		graph.Program{Path: t.program, Dir: filepath.Join(t.dir, t.pulumi.Main), Files: files, Env: env},
		before, t.pulumi.Name, name, config, secrets)
	failed, is := errors.AsType[*graph.ProgramError](err)
	if !is {
		return err
	}
	s.Fault = &plan.Fault{Kind: plan.FaultProgram, Said: failed.Said}
	if p.SettingsFault != nil {
		if said, is := p.SettingsFault(failed.Said); is {
			s.Fault = &plan.Fault{Kind: plan.FaultSettings, Said: said}
		}
	}
	return nil
}

// place writes a stand-in. Stacks that run at once write the same bytes, so each puts its own in place.
func place(file, text string) error {
	f, err := os.CreateTemp(filepath.Dir(file), "new-*")
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close(), os.Rename(f.Name(), file))
}

// environment is all that a program runs with: where tools are, and an empty folder of its own. Nothing that signs in
// anywhere is passed on, because nothing is but what is named here.
func environment(home string) []string {
	chosen := []string{"HOME=" + home, "USERPROFILE=" + home, "TMPDIR=" + home, "TEMP=" + home, "TMP=" + home}
	for _, name := range []string{"PATH", "PATHEXT", "SYSTEMROOT", "LANG", "LC_ALL"} {
		if value, set := os.LookupEnv(name); set {
			chosen = append(chosen, name+"="+value)
		}
	}
	return chosen
}

// passed are the variables that this process keeps, beside those of Go: what git and Go need to find a revision and its
// modules.
var passed = []string{"PATH", "PATHEXT", "SYSTEMROOT", "LANG", "LC_ALL", "HOME", "USERPROFILE", "LOCALAPPDATA",
	"APPDATA", "USER", "TMPDIR", "TEMP", "TMP", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "HTTP_PROXY", "HTTPS_PROXY",
	"NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "CC", "CGO_ENABLED", "SSH_AUTH_SOCK"}

// kept are the variables of an environment that this process keeps.
func kept(environ []string) []string {
	var chosen []string
	for _, variable := range environ {
		name, _, _ := strings.Cut(variable, "=")
		if name = strings.ToUpper(name); slices.Contains(passed, name) || name == "GIT_CONFIG_COUNT" ||
			strings.HasPrefix(name, "GIT_CONFIG_KEY_") || strings.HasPrefix(name, "GIT_CONFIG_VALUE_") ||
			strings.HasPrefix(name, "GO") && !strings.Contains(name, "TOKEN") && !strings.HasPrefix(name, "GOOGLE") {
			chosen = append(chosen, variable)
		}
	}
	return chosen
}

// migrations are those that run on the database of a stack.
func (p Project) migrations(dir string) ([]plan.File, error) {
	root := os.DirFS(dir)
	paths, err := fs.Glob(root, p.Migrations) // sorted
	if err != nil {
		return nil, err
	}
	var files []plan.File
	for _, path := range paths {
		text, err := fs.ReadFile(root, path)
		if err != nil {
			return nil, fmt.Errorf("reading the migrations: %w", err)
		}
		files = append(files, plan.File{Path: path, Text: string(text)})
	}
	return files, nil
}

var stackFile = regexp.MustCompile(`^Pulumi\.(.+)\.yaml$`)

// stacks are those that have a file with their configuration.
func stacks(dir string) (map[string]plan.Stack, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	found := map[string]plan.Stack{}
	for _, entry := range entries {
		match := stackFile.FindStringSubmatch(entry.Name())
		if match == nil {
			continue
		}
		raw, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			return nil, err
		}
		s := plan.Stack{Config: map[string]string{}}
		var file struct{ Config map[string]any }
		if err := yaml.Unmarshal(raw, &file); err != nil {
			return nil, fmt.Errorf("reading %s: %w", entry.Name(), err)
		}
		for key, value := range file.Config {
			if text, is := value.(string); is {
				s.Config[key] = text
				continue
			}
			text, err := json.Marshal(value)
			if err != nil {
				return nil, fmt.Errorf("reading %s: %s: %w", entry.Name(), key, err)
			}
			s.Config[key] = string(text)
		}
		found[match[1]] = s
	}
	return found, nil
}

// sealed is a value of configuration that Pulumi has encrypted, and which nobody without the key can read.
var sealed = regexp.MustCompile(`\{"secure":"([^"]*)"\}`)

// open puts a text in the place of every value that is encrypted, a different one for different values.
func open(config map[string]string) (opened map[string]string, secrets []string) {
	opened = map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(config)) {
		value := config[key]
		if match := sealed.FindStringSubmatch(value); match != nil {
			secrets = append(secrets, key)
			if match[0] == value {
				value = "sealed " + match[1]
			} else {
				value = sealed.ReplaceAllString(value, `"sealed $1"`)
			}
		}
		opened[key] = value
	}
	return opened, secrets
}
