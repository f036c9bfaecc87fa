package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/encoding"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/config"
	"github.com/pulumi/pulumi/sdk/v3/go/common/workspace"

	"dossier.example/plan"
	"dossier.example/plan/graph"
	"dossier.example/plan/policy"
)

// Project is what a repository tells of itself in Go, beside what its Pulumi.yaml and its ConfigFile say. The zero
// Project is one that is held to the rules of policy.Catalogue.
type Project struct {
	// Policy returns what a stack is held to, by its configuration with full keys. It returns nil where the
	// configuration cannot be used: the program says what is wrong with it. Where Policy itself is nil, every stack is
	// held to policy.Catalogue.
	Policy func(stack string, config map[string]string) *policy.Set
	// SettingsFault returns what a program that failed says of its settings, and whether that is why it failed. Nil: no
	// failure is one of settings.
	SettingsFault func(said string) (fault string, is bool)
	// Artifact is what the program would build before it deploys it; nil: nothing.
	Artifact *Artifact

	limits limits
}

// Artifact is something that a program builds and deploys, such as a release. A plan does not build it: it compares the
// sources, and hands the program a file that stands in for what would be made of them.
type Artifact struct {
	// Variable is the variable of the environment by which the program takes the name of the file that stands in.
	Variable string
	// Output is the stack's output that is the SHA-256 of the artifact's bytes in hexadecimal, by which a program is
	// known to have taken the file.
	Output string
	// Sources returns a hash of what the artifact would be made of, in hexadecimal, from the repository's root folder.
	// The file that stands in holds it.
	Sources func(ctx context.Context, root string) (string, error)
}

// program is a Pulumi project at one revision.
type program struct {
	tree   *tree
	config ProjectConfig
	// name is that of the project, which its resources carry; key tells it from the others of its tree.
	name, key string
	// main is the folder of the program, relative to the root.
	main string
	// file is the executable; empty where fault says why there is none.
	file  string
	fault *plan.Fault
	// work is the file of the Go workspace that it is built in; empty: that of its folder.
	work string
	// sources is the hash of what the artifact would be made of; empty where it is not known, and where there is none.
	sources string
	stacks  map[string]plan.Stack
	// left are the stacks that have a file and that the configuration leaves out, with that.
	left map[string]string
	// sealings tell apart what the secrets of stacks are encrypted with.
	sealings map[string]string
}

// skipped are folders in which nobody keeps projects that are deployed.
var skipped = []string{"node_modules", "vendor", "testdata", "bin"}

// mostProjects bounds how many projects are looked for: nobody reads a plan of more.
const mostProjects = 100

// find returns the folders of the Pulumi projects of a tree, sorted.
func find(dir string) ([]string, error) {
	var found []string
	err := fs.WalkDir(rooted(dir), ".", func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil && file != "." && entry.IsDir():
			return fs.SkipDir // one that cannot be read
		case err != nil:
			return unplaced(err)
		case entry.IsDir():
			if !searched(file) {
				return fs.SkipDir
			}
		case projectFile(entry.Name()) && !slices.Contains(found, path.Dir(file)):
			if len(found) == mostProjects {
				return fmt.Errorf("there are more than %d: name those to plan in %s", mostProjects, ConfigFile)
			}
			found = append(found, path.Dir(file))
		}
		return nil
	})
	slices.Sort(found)
	return found, err
}

// searched reports whether projects are looked for in a folder.
func searched(folder string) bool {
	return folder == "." || !slices.ContainsFunc(strings.Split(folder, "/"), func(name string) bool {
		return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || slices.Contains(skipped, name)
	})
}

// projectFile reports whether a file of that name holds a Pulumi project.
func projectFile(name string) bool {
	base, ext := strings.TrimSuffix(name, path.Ext(name)), path.Ext(name)
	return base == workspace.ProjectFile && slices.Contains(encoding.Exts, ext)
}

// byItself is why a program of the Automation API is not looked at.
const byItself = "it runs stacks by itself, by the Automation API: a plan looks at a program that calls pulumi.Run " +
	"and has a Pulumi.yaml, which may share its functions"

// automated returns the folders of the packages that import the Automation API, sorted.
func automated(dir string) ([]string, error) {
	var found []string
	root := rooted(dir)
	err := fs.WalkDir(root, ".", func(file string, entry fs.DirEntry, err error) error {
		switch folder := path.Dir(file); {
		case err != nil && file != "." && entry.IsDir():
			return fs.SkipDir // one that cannot be read
		case err != nil:
			return unplaced(err)
		case entry.IsDir() && !searched(file):
			return fs.SkipDir
		case entry.Type().IsRegular() && path.Ext(file) == ".go" && !strings.HasSuffix(file, "_test.go") &&
			!slices.Contains(found, folder):
			text, err := fs.ReadFile(root, file)
			if err == nil && bytes.Contains(text, []byte(`"github.com/pulumi/pulumi/sdk/v3/go/auto"`)) {
				found = append(found, folder)
			}
		}
		return nil
	})
	slices.Sort(found)
	return found, err
}

// programs reads the projects of a tree: those of its configuration, else all that are found. Those that cannot be
// looked at are named as such.
func (t *tree) programs() (programs []*program, unread []plan.Unread, err error) {
	config := t.config
	var selves []string
	if len(config.Projects) == 0 && len(t.over.projects) == 0 {
		if selves, err = automated(t.dir); err != nil {
			return nil, nil, fmt.Errorf("looking for programs of the Automation API in %s: %w", t.name, err)
		}
		folders, err := find(t.dir)
		if err != nil {
			return nil, nil, fmt.Errorf("looking for Pulumi projects in %s: %w", t.name, err)
		}
		for _, folder := range folders {
			config.Projects = append(config.Projects, ProjectConfig{Folder: folder})
		}
	}
	if config, err = t.over.apply(config); err != nil {
		return nil, nil, err
	}
	for _, c := range config.Projects {
		p, err := t.program(c)
		if unlooked, is := errors.AsType[*unreadError](err); is {
			unread = append(unread, plan.Unread{Project: unlooked.project, Folder: c.Folder, Why: unlooked.Error()})
			continue
		}
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) && t.past {
				continue // it came later
			}
			return nil, nil, fmt.Errorf("looking for the program of %s: %w", t.name, err)
		}
		programs = append(programs, p)
	}
	for _, folder := range selves {
		if !slices.ContainsFunc(programs, func(p *program) bool { return p.main == folder }) {
			name := path.Base(folder)
			if folder == "." {
				name = "main"
			}
			unread = append(unread, plan.Unread{Project: name, Folder: folder, Why: byItself})
		}
	}
	return programs, unread, nil
}

// unreadError is why a project is not looked at.
type unreadError struct{ project, why string }

func (e *unreadError) Error() string { return e.why }

// program reads a project.
func (t *tree) program(c ProjectConfig) (*program, error) {
	root := t.files()
	var file string
	for _, ext := range encoding.Exts {
		if name := path.Join(c.Folder, workspace.ProjectFile+ext); exists(root, name) {
			file = name
			break
		}
	}
	if file == "" {
		return nil, fmt.Errorf("%s has no Pulumi.yaml: name a folder that has one%s (%w)", where(c.Folder), t.others(),
			fs.ErrNotExist)
	}
	text, err := inTree(t.dir, file, maxConfig)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", file, err)
	}
	project, err := workspace.LoadProjectBytes(withoutMark(text), file, encoding.Marshalers[path.Ext(file)])
	if err != nil {
		return nil, &unreadError{c.Folder, strings.Join(strings.Fields(err.Error()), " ")}
	}
	name := project.Name.String()
	if runtime := project.Runtime.Name(); runtime != "go" {
		return nil, &unreadError{name, fmt.Sprintf("its program is not in Go: its runtime is %s", runtime)}
	}
	p := &program{tree: t, config: c, name: name, main: path.Join(c.Folder, filepath.ToSlash(project.Main))}
	if path.IsAbs(filepath.ToSlash(project.Main)) || !filepath.IsLocal(filepath.FromSlash(p.main)) {
		return nil, &unreadError{name, fmt.Sprintf("main, %s, is not in this repository", project.Main)}
	}
	if info, err := fs.Stat(root, p.main); err != nil {
		return nil, fmt.Errorf("reading the program of %s: %s: %w", file, p.main, unplaced(err))
	} else if !info.IsDir() {
		p.main = path.Dir(p.main)
	}
	if _, has := above(root, p.pkg(), "go.mod"); !has {
		return nil, &unreadError{name, fmt.Sprintf("there is no go.mod in %s or above", where(p.pkg()))}
	}
	if binary, is := project.Runtime.Options()["binary"].(string); is && c.Package == "" && !t.past {
		t.notes = append(t.notes, fmt.Sprintf("Project %s deploys the program %s, which is built elsewhere: planned "+
			"is the one in %s. If another package is built into it, name that: package of the project in "+
			"stackplan.yaml.", quoted(name), quoted(binary), quoted(p.main)))
	}
	return p, p.readStacks(project, path.Ext(file))
}

// others names the folders that have a project, for whoever named another one.
func (t *tree) others() string {
	found, err := find(t.dir)
	if err != nil || len(found) == 0 {
		return ""
	}
	const most = 10
	if len(found) > most {
		found = append(found[:most], "…")
	}
	return ", such as " + strings.Join(found, ", ")
}

func exists(root fs.FS, name string) bool {
	_, err := fs.Stat(root, name)
	return err == nil
}

// where names a folder for people.
func where(folder string) string {
	if folder == "." {
		return "the root folder"
	}
	return folder
}

// withoutMark is a text without the mark of its byte order, which some editors write.
func withoutMark(text []byte) []byte { return []byte(strings.TrimPrefix(string(text), "\ufeff")) }

// stackName is what the name of a stack looks like.
var stackName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,100}$`)

// readStacks reads the stacks of a project: those that are named, else those that have a file with their configuration.
// A project without any has one that has the project's own configuration alone. Those that have a file and are not
// named are left, with the file.
func (of *program) readStacks(project *workspace.Project, ext string) error {
	t, c := of.tree, of.config
	root := t.files()
	dir := path.Join(c.Folder, filepath.ToSlash(project.StackConfigDir))
	if !filepath.IsLocal(filepath.FromSlash(dir)) {
		return &unreadError{project.Name.String(),
			fmt.Sprintf("stackConfigDir, %s, is not in this repository", project.StackConfigDir)}
	}
	file := func(stack string) string { return path.Join(dir, workspace.ProjectFile+"."+stack+ext) }
	entries, err := fs.ReadDir(root, dir)
	if err != nil {
		return fmt.Errorf("looking for stacks in %s: %w", where(dir), unplaced(err))
	}
	var filed []string
	for _, entry := range entries {
		name, is := strings.CutPrefix(strings.TrimSuffix(entry.Name(), ext), workspace.ProjectFile+".")
		if is && path.Ext(entry.Name()) == ext && !strings.HasSuffix(name, "."+workspace.DeploymentSuffix) &&
			stackName.MatchString(name) {
			filed = append(filed, name)
		}
	}
	names := c.Stacks
	if len(names) == 0 {
		names = filed
	}
	if len(names) == 0 {
		names = []string{unnamed}
		t.notes = append(t.notes,
			fmt.Sprintf("Project %s has no file of a stack in %s, so it is planned for one, %s, with "+
				"what Pulumi.yaml says alone.", quoted(project.Name.String()), quoted(dir), unnamed))
	}
	found, left := map[string]plan.Stack{}, map[string]string{}
	of.stacks, of.left, of.sealings = found, left, map[string]string{}
	for _, name := range filed {
		if !slices.Contains(names, name) {
			left[name] = file(name)
		}
	}
	for _, name := range names {
		s := plan.Stack{Project: project.Name.String(), File: path.Join(c.Folder, workspace.ProjectFile+ext)}
		values := config.Map{}
		text, err := inTree(t.dir, file(name), maxConfig)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			switch {
			case t.later(file(name)):
				continue // it came later
			case !t.past && len(filed) > 0 && !t.earlier(file(name)):
				// A name that is mistaken must not give a plan in which nothing changes.
				s.Fault = &plan.Fault{Kind: plan.FaultSettings, Said: fmt.Sprintf("there is no %s, and stacks with a "+
					"file are %s: correct the name, or add the file, which may be empty", file(name),
					strings.Join(filed, ", "))}
				found[name] = s
				continue
			case !t.past && name != unnamed:
				t.notes = append(t.notes,
					fmt.Sprintf("There is no %s, so %s is planned with what Pulumi.yaml says alone.",
						quoted(file(name)), quoted(name)))
			}
		case err != nil:
			return fmt.Errorf("reading %s: %w", file(name), err)
		default:
			read, err := workspace.LoadProjectStackBytes(nil, project, withoutMark(text), file(name),
				encoding.Marshalers[ext])
			if err != nil {
				s.Fault = &plan.Fault{Kind: plan.FaultSettings, Said: fmt.Sprintf("reading %s: %v", file(name), err)}
				found[name] = s
				continue
			}
			values, of.sealings[name] = read.Config, sealing(read)
			env := read.Environment
			imports := env != nil && len(env.Imports()) > 0
			if words := misfits(project, values, !imports); words != "" && !t.past {
				t.notes = append(t.notes, fmt.Sprintf("Pulumi refuses the configuration of stack %s for what %s "+
					"declares: %s.", quoted(name), quoted(s.File), words))
			}
			if imports {
				t.notes = append(t.notes,
					fmt.Sprintf("Stack %s takes configuration from the environments %s of Pulumi ESC, "+
						"which nothing here can read.", quoted(name), quoted(strings.Join(env.Imports(), ", "))))
			}
		}
		if s.Config, s.Secrets, err = settle(project, values); err != nil {
			s.Fault = &plan.Fault{Kind: plan.FaultSettings, Said: fmt.Sprintf("reading %s: %v", file(name), err)}
		} else if added := stoodIn(project, s.Config, c.Config); len(added) > 0 && !t.past {
			t.notes = append(t.notes, fmt.Sprintf("Stack %s is planned with values for %s that %s has for plans: "+
				"those of a deployment are not known.", quoted(name), quoted(strings.Join(added, ", ")),
				t.over.config()))
		}
		found[name] = s
	}
	if productive := c.productive(); !t.past && len(productive) > 0 && !slices.ContainsFunc(productive,
		func(name string) bool { return slices.Contains(names, name) || slices.Contains(filed, name) }) {
		t.notes = append(t.notes, fmt.Sprintf("No stack of project %s is production: the name %s is that of none, so "+
			"the rules for production hold in no stack of it.", quoted(project.Name.String()),
			quoted(strings.Join(productive, ", "))))
	}
	return nil
}

// unnamed is the stack of a project that has none in its files.
const unnamed = "dev"

// settle returns the configuration of a stack as a program gets it: its own values, and the project's for what it does
// not set. Encrypted values stay as they are, which is enough to see whether they differ.
func settle(project *workspace.Project, values config.Map) (settled map[string]string, secrets []string, err error) {
	settled = map[string]string{}
	opened, err := values.Decrypt(sealed{})
	if err != nil {
		return nil, nil, err
	}
	for key, value := range opened {
		settled[key.String()] = value
	}
	for _, key := range values.SecureKeys() {
		secrets = append(secrets, key.String())
	}
	for _, key := range slices.Sorted(maps.Keys(project.Config)) {
		declared := project.Config[key]
		if !strings.Contains(key, ":") {
			key = project.Name.String() + ":" + key
		}
		value := declared.Value
		if value == nil {
			value = declared.Default
		}
		if _, set := settled[key]; value == nil || set {
			continue
		}
		text, is := value.(string)
		if !is {
			raw, err := json.Marshal(value)
			if err != nil {
				return nil, nil, fmt.Errorf("%s: %w", key, err)
			}
			text = string(raw)
		}
		settled[key] = text
		if declared.Secret {
			secrets = append(secrets, key)
		}
	}
	slices.Sort(secrets)
	return settled, slices.Compact(secrets), nil
}

// stoodIn adds to the configuration of a stack what it lacks of the one for plans, and returns the keys of that.
func stoodIn(project *workspace.Project, settled, plans map[string]string) []string {
	var added []string
	for _, key := range slices.Sorted(maps.Keys(plans)) {
		full := key
		if !strings.Contains(full, ":") {
			full = project.Name.String() + ":" + key
		}
		if _, has := settled[full]; !has {
			settled[full], added = plans[key], append(added, full)
		}
	}
	return added
}

// sealed stands in for the key to encrypted values: a different text for different values.
type sealed struct{}

// DecryptValue implements config.Decrypter, as does BatchDecrypt.
func (sealed) DecryptValue(_ context.Context, text string) (string, error) {
	return graph.Sealed + text, nil
}

func (s sealed) BatchDecrypt(_ context.Context, texts []string) ([]string, error) {
	opened := make([]string, len(texts))
	for i, text := range texts {
		opened[i] = graph.Sealed + text
	}
	return opened, nil
}
