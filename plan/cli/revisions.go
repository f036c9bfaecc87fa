package cli

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"dossier.example/plan"
	"dossier.example/plan/graph"
	"dossier.example/plan/internal/apart"
)

// tree is one revision of the repository in a folder.
type tree struct {
	// name is how the plan calls it, dir its root folder.
	name, dir string
	config    Config
	over      overrides
	// past tells base, and head is then the root folder of head: what base lacks may have come later.
	past bool
	head string
	// base is that of head: what the working tree is compared with.
	base *tree
	// borrowed tells that the other tree's configuration says what is run, because this one has none.
	borrowed bool
	// rules is the program that serves its rules; nil: there is none.
	rules *program
	// outside are the projects that a sparse checkout leaves out of both.
	outside []plan.Unread
	// notes are what whoever reads the plan has to know of it.
	notes []string
}

// later reports whether head has a file that this tree, base, lacks.
func (t *tree) later(file string) bool { return t.past && exists(rooted(t.head), file) }

// earlier reports whether base has a file that this tree, head, lacks.
func (t *tree) earlier(file string) bool { return t.base != nil && exists(rooted(t.base.dir), file) }

// pair is a project at both revisions; nil where there is none.
type pair struct {
	before, head *program
	// unread is why head's is not looked at although it is there; empty: it is, or it is not there.
	unread string
}

// compare makes the plan from base to the working tree at root.
func (p Project) compare(ctx context.Context, root, base string, over overrides, watch *stopwatch) (plan.Plan, error) {
	fail := func(err error) (plan.Plan, error) { return plan.Plan{}, err }
	if root == "" {
		root = "." // whether git can use it is told below
		if top, err := git(ctx, root, "rev-parse", "--show-toplevel"); err == nil {
			root = top
		}
	}
	root, err := filepath.Abs(root)
	if err != nil {
		return fail(err)
	}
	if _, err := leftAt(ctx, root, base); err != nil {
		return fail(err)
	}
	work, err := workFolder(ctx, root)
	if err != nil {
		return fail(err)
	}
	// Two plans of one checkout would write the same files.
	unlock, err := lock(filepath.Join(work, "lock"))
	if err != nil {
		return fail(err)
	}
	defer unlock()
	head := &tree{name: "the working tree", dir: root, over: over}
	before, err := checkOut(ctx, root, base, filepath.Join(work, "base"))
	if err != nil {
		return fail(err)
	}
	before.over, before.past, before.head, head.base = over, true, root, before
	watch.lap("taking out " + base)
	if err := configure(before, head); err != nil {
		return fail(err)
	}
	pairs, unread, err := match(before, head)
	if err != nil {
		return fail(err)
	}
	if err := buildRules(ctx, before, head, work); err != nil {
		return fail(err)
	}
	was, is := plan.Revision{Name: before.name}, plan.Revision{Name: "The working tree", Unread: unread}
	if is.Prices, err = head.prices(before); err != nil {
		return fail(err)
	}
	var notes []string
	for _, key := range slices.Sorted(maps.Keys(pairs)) {
		more, err := p.project(ctx, pairs[key], len(pairs) > 1, work, &was, &is, watch)
		if err != nil {
			return fail(err)
		}
		notes = append(notes, more...)
	}
	notes = append(notes, slices.Concat(before.notes, head.notes)...)
	if why := apart.ClockMoves(); is.Build == nil && why != "" {
		notes = append(notes, "The programs ran twice within seconds, because "+why+": what changes from one day to "+
			"the next only was not looked for.")
	}
	if why := apart.Isolated(); why != "" {
		notes = append(notes, "**The programs were not isolated:** "+why+". So the code of the change, and what "+
			"compiles it, had the network, and could read what this user may read. Where it is not to be trusted, let "+
			"nothing be there that is worth reading, or let the system isolate it (Ubuntu 24.04: sudo sysctl "+
			"kernel.apparmor_restrict_unprivileged_userns=0).")
	}
	slices.Sort(notes)
	made := plan.Make(was, is, slices.Compact(notes)...)
	// Of the two files the stricter one holds, so that a change does not judge itself by what it turns off.
	made.FailInherited = over.failInherited || before.config.FailInherited || head.config.FailInherited
	watch.lap("comparing")
	return made, nil
}

// workFolder is where plans keep what they build, below the root. Neither git nor Go looks into it. What is in it is
// believed, so that nothing of it may come from the repository, and it is no link that leads elsewhere.
func workFolder(ctx context.Context, root string) (string, error) {
	const name = ".stackplan"
	work := filepath.Join(root, name)
	tracked, err := git(ctx, root, "ls-files", "-z", "--", ":(icase)"+name)
	if err != nil {
		return "", fmt.Errorf("asking git for the files in %s: %w", name, err)
	}
	info, err := os.Lstat(work)
	if tracked != "" || err == nil && !info.IsDir() {
		return "", fmt.Errorf("%s is where plans keep what they build, and is in the repository: take it out "+
			"(git rm -r --cached %s), and remove it", name, name)
	}
	if err := os.MkdirAll(work, 0o755); err != nil {
		return "", fmt.Errorf("making a folder for what is built: %w", err)
	}
	return work, os.WriteFile(filepath.Join(work, ".gitignore"), []byte("*\n"), 0o644)
}

// configure reads the configuration of both trees. Where only one has any, it says for both what is run, and with what.
// What a stack is held to is each one's own, so that a change which adds the file does not excuse what it excuses.
func configure(before, head *tree) error {
	was, had, wasErr := readConfig(before.dir, before.over.config())
	is, has, err := readConfig(head.dir, head.over.config())
	switch {
	case err != nil:
		return err
	case head.over.Config != "" && !has:
		return fmt.Errorf("there is no %s", head.over.Config)
	case wasErr != nil:
		head.notes = append(head.notes,
			fmt.Sprintf("The configuration of %s cannot be used, so that of the change was: %s",
				before.name, quoted(wasErr.Error())))
		had = false
	}
	before.config, head.config = was, is
	if !had {
		before.config, before.borrowed = is.running(), true
	}
	if !has {
		head.config, head.borrowed = was.running(), true
	}
	for _, t := range []*tree{before, head} {
		t.config.Rules = cmp.Or(t.over.rules, t.config.Rules)
	}
	switch file := quoted(head.over.config()); {
	case has && !had && wasErr == nil:
		head.notes = append(head.notes, file+", which says what is planned, comes with the change.")
	case had && !has:
		head.notes = append(head.notes, file+", which said what is planned, is gone with the change.")
	case has && (wasErr != nil || !reflect.DeepEqual(was, is)):
		head.notes = append(head.notes, file+", which says what is planned, is part of the change.")
	}
	return nil
}

// match finds the projects of both trees, by their names. Those of head that are not looked at are told apart by
// whether the change touches them.
func match(before, head *tree) (pairs map[string]*pair, unread []plan.Unread, err error) {
	pairs = map[string]*pair{}
	at := func(key string) *pair {
		if pairs[key] == nil {
			pairs[key] = &pair{}
		}
		return pairs[key]
	}
	past, wasUnread, err := before.programs()
	if err != nil {
		return nil, nil, err
	}
	now, unread, err := head.programs()
	if err != nil {
		return nil, nil, err
	}
	nameApart(past, now)
	for _, p := range past {
		at(p.key).before = p
	}
	for _, p := range now {
		at(p.key).head = p
	}
	for i := range unread {
		folder := unread[i].Folder
		if unread[i].Changed, err = touched(before, head, folder); err != nil {
			return nil, nil, err
		}
		if unread[i].Why == byItself && !unread[i].Changed { // what it runs may be elsewhere
			same, err := sameProgram(&program{tree: before, main: folder}, &program{tree: head, main: folder})
			unread[i].Changed = !same || err != nil
		}
	}
	for _, u := range wasUnread {
		if !slices.ContainsFunc(unread, func(other plan.Unread) bool { return other.Folder == u.Folder }) {
			unread = append(unread, plan.Unread{Project: u.Project, Folder: u.Folder, Changed: true,
				Why: "it was not looked at before, because " + u.Why})
		}
	}
	unread = append(unread, before.outside...)
	left, err := leftOut(before, head, pairs)
	if err != nil {
		return nil, nil, err
	}
	unread = append(unread, left...)
	for _, p := range pairs {
		if p.before == nil || p.head != nil {
			continue
		}
		for _, u := range unread {
			if u.Folder == p.before.config.Folder && len(u.Stacks) == 0 {
				p.unread = u.Why
			}
		}
		for _, other := range now {
			if other.config.Folder == p.before.config.Folder {
				head.notes = append(head.notes, fmt.Sprintf("The project in %s is called %s instead of %s: Pulumi "+
					"takes "+
					"its stacks for others, and makes everything anew in them.", quoted(other.config.Folder),
					quoted(other.name), quoted(p.before.name)))
			}
		}
	}
	if len(now) == 0 && len(past) == 0 {
		var why []string
		for _, u := range unread {
			why = append(why, fmt.Sprintf("%s in %s: %s", u.Project, where(u.Folder), u.Why))
		}
		if len(why) == 0 {
			return nil, nil, fmt.Errorf("there is no Pulumi.yaml in the root folder or below: is it the repository's "+
				"root? Folders named %s, or with a . or _ in front, are not searched: name projects in them in %s",
				strings.Join(skipped, ", "), ConfigFile)
		}
		return nil, nil, fmt.Errorf("no project here can be looked at: %s", strings.Join(why, "; "))
	}
	return pairs, unread, nil
}

// nameApart gives the programs of both trees their keys. Where one tree has several projects of a name, the folder
// tells them apart in both, so that a copy takes nothing from the one that it was made of.
func nameApart(trees ...[]*program) {
	several := map[string]bool{}
	for _, programs := range trees {
		seen := map[string]bool{}
		for _, p := range programs {
			several[p.name] = several[p.name] || seen[p.name]
			seen[p.name] = true
		}
	}
	for _, p := range slices.Concat(trees...) {
		if p.key = p.name; several[p.name] {
			p.key = p.name + " in " + p.config.Folder
		}
	}
}

// leftOut are the projects and the stacks that are there, and that the configuration of head leaves out. They count as
// changed where base looked at them, and a stack where its file differs.
func leftOut(before, head *tree, pairs map[string]*pair) ([]plan.Unread, error) {
	var found []plan.Unread
	file := head.over.config()
	if len(head.config.Projects) > 0 && len(head.over.projects) == 0 {
		folders, err := find(head.dir)
		if err != nil {
			return nil, fmt.Errorf("looking for Pulumi projects in %s: %w", head.name, err)
		}
		listed := func(t *tree, folder string) bool {
			return slices.ContainsFunc(t.config.Projects, func(c ProjectConfig) bool { return c.Folder == folder })
		}
		for _, folder := range folders {
			looked := before.borrowed || len(before.config.Projects) == 0 || listed(before, folder)
			if listed(head, folder) || head.borrowed || !looked {
				continue // nothing leaves it out, or both do
			}
			scratch := *head // what it notes is of a project that is not looked at
			name := path.Base(folder)
			if p, err := scratch.program(ProjectConfig{Folder: folder}); err == nil {
				name = p.name
			} else if unlooked, is := errors.AsType[*unreadError](err); is {
				name = unlooked.project
			}
			found = append(found, plan.Unread{Project: name, Folder: folder, Changed: true,
				Why: file + " of the change leaves it out"})
		}
	}
	for _, key := range slices.Sorted(maps.Keys(pairs)) {
		p := pairs[key]
		if p.head == nil || len(head.over.stacks) > 0 {
			continue
		}
		stacks := map[bool][]string{}
		for _, stack := range slices.Sorted(maps.Keys(p.head.left)) {
			at := p.head.left[stack]
			former := p.before != nil && !before.borrowed && p.before.left[stack] != ""
			was, wasErr := inTree(before.dir, at, maxConfig)
			is, err := inTree(head.dir, at, maxConfig)
			changed := !former || wasErr != nil || err != nil || !bytes.Equal(was, is)
			stacks[changed] = append(stacks[changed], stack)
		}
		for _, changed := range []bool{true, false} {
			if names := stacks[changed]; len(names) > 0 {
				them := map[bool]string{true: "it", false: "them"}[len(names) == 1]
				found = append(found, plan.Unread{Project: p.head.name, Folder: p.head.config.Folder, Stacks: names,
					Changed: changed, Why: fmt.Sprintf("%s leaves %s out", file, them)})
			}
		}
	}
	return found, nil
}

// touched reports whether a folder differs between two trees.
func touched(before, head *tree, folder string) (bool, error) {
	was, err := hashFolder(before.dir, folder)
	if err != nil {
		return false, err
	}
	is, err := hashFolder(head.dir, folder)
	return was != is, err
}

// project builds and runs a project at both revisions, and adds its stacks to them. Among several projects, a stack's
// name in the plan has the project's in front.
func (p Project) project(ctx context.Context, of *pair, several bool, work string, was, is *plan.Revision,
	watch *stopwatch) (notes []string, err error) {
	before, head := of.before, of.head
	for _, side := range []struct {
		*program
		*plan.Revision
	}{{before, was}, {head, is}} {
		if side.program == nil {
			continue
		}
		files, err := side.migrations()
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			if !slices.Contains(side.Migrations, file) {
				side.Migrations = append(side.Migrations, file)
			}
		}
	}
	same, notes, err := p.build(ctx, before, head, work, watch)
	if err != nil {
		return nil, err
	}
	if before != nil {
		was.Release += before.sources
	}
	if head != nil {
		is.Release += head.sources
		if head.fault != nil && !several {
			is.Build = head.fault
			return nil, nil // nothing that they speak of is shown
		}
	}
	standIns, err := os.MkdirTemp("", "plan-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(standIns)
	wasStacks, isStacks, more, err := p.both(ctx, before, head, standIns)
	if err != nil {
		return nil, err
	}
	if before != nil && head != nil {
		more = append(more, resealed(before, head)...)
	}
	watch.lap("running the programs")
	if before != nil && before.fault != nil && !several {
		was.Build = before.fault
	}
	for name := range wasStacks {
		why := of.unread
		if _, stays := isStacks[name]; stays {
			continue
		}
		if head != nil && head.left[name] != "" {
			why = head.tree.over.config() + " leaves it out"
		}
		if several {
			name = before.key + "/" + name
		}
		if why != "" {
			if is.Left == nil {
				is.Left = map[string]string{}
			}
			is.Left[name] = why
		}
	}
	for _, side := range []struct {
		*plan.Revision
		*program
		stacks map[string]plan.Stack
	}{{was, before, wasStacks}, {is, head, isStacks}} {
		for name, s := range side.stacks {
			s.Rewritten = side.Revision == is && !same
			if several {
				name = side.key + "/" + name
				s.Fault = cmp.Or(s.Fault, side.fault)
			}
			if side.Stacks == nil {
				side.Stacks = map[string]plan.Stack{}
			}
			side.Stacks[name] = s
		}
	}
	return append(notes, more...), nil
}

// build compiles the programs of a project, once where both are made of the same, and hashes what their artifact would
// be made of.
// It reports whether they are.
func (p Project) build(ctx context.Context, before, head *program, work string, watch *stopwatch) (same bool,
	notes []string, err error) {
	if before != nil && head != nil {
		if same, err = sameProgram(before, head); err != nil {
			return false, nil, err
		}
	}
	// Hashing the artifact's sources runs beside: it waits for other programs, and computes little.
	hashed := make(chan error, 1)
	go func() {
		var err error
		notes, err = p.hash(ctx, before, head)
		hashed <- err
	}()
	if head != nil {
		err = build(ctx, head, filepath.Join(work, "head-"+fileName(head.key)))
		watch.lap("building the program")
	}
	if err == nil && before != nil && !same && (head == nil || head.fault == nil) {
		err = build(ctx, before, filepath.Join(work, "base-"+fileName(before.key)))
		watch.lap("building that of base")
	}
	if same {
		before.file, before.fault = head.file, head.fault
	}
	if err := errors.Join(<-hashed, err); err != nil {
		return false, nil, err
	}
	watch.lap("hashing the sources")
	return same, notes, nil
}

// fileName is a file's name for a project.
func fileName(key string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return '.'
	}, key)
}

// hash finds what identifies the artifact at both revisions.
func (p Project) hash(ctx context.Context, before, head *program) (notes []string, err error) {
	if p.Artifact == nil {
		return nil, nil
	}
	var sides []*program
	for _, side := range []*program{before, head} {
		if side != nil {
			sides = append(sides, side)
		}
	}
	errs := make([]error, len(sides))
	var group sync.WaitGroup
	for i, side := range sides {
		group.Go(func() { side.sources, errs[i] = p.Artifact.Sources(ctx, side.tree.dir) })
	}
	group.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	for i, side := range sides {
		if errs[i] != nil {
			side.sources = ""
			notes = append(notes,
				fmt.Sprintf("The sources of the app at %s cannot be read, so whether it changes is not known: %v",
					side.tree.name, errs[i]))
		}
	}
	return append(notes, "The app is compared by its sources: the release's hash below is theirs, not the one that "+
		"a deployment will have."), nil
}

// both runs the programs of both revisions for all of their stacks. A stack runs at base first, because what it leaves
// is what the other one finds.
func (p Project) both(ctx context.Context, before, head *program, standIns string) (was, is map[string]plan.Stack,
	notes []string, err error) {
	was, is = map[string]plan.Stack{}, map[string]plan.Stack{}
	if head != nil {
		maps.Copy(is, head.stacks)
	}
	if before != nil {
		maps.Copy(was, before.stacks)
	} else if head != nil {
		notes = append(notes, fmt.Sprintf("%s has no program of project %s, so every stack of it is a new one.",
			head.tree.base.name, quoted(head.name)))
	}
	names := maps.Clone(is)
	maps.Copy(names, was)
	type outcome struct {
		was, is plan.Stack
		built   bool
		err     error
	}
	outcomes := map[string]*outcome{}
	var group sync.WaitGroup
	for name := range names {
		o := &outcome{was: was[name], is: is[name]}
		outcomes[name] = o
		group.Go(func() { o.built, o.err = p.stack(ctx, name, before, head, &o.was, &o.is, standIns) })
	}
	group.Wait()
	built := false
	for _, name := range slices.Sorted(maps.Keys(outcomes)) {
		o := outcomes[name]
		if o.err != nil {
			return nil, nil, nil, o.err
		}
		built = built || o.built
		if _, has := was[name]; has {
			was[name] = o.was
		}
		if _, has := is[name]; has {
			is[name] = o.is
		}
	}
	if built {
		notes = append(notes, fmt.Sprintf("The program of %s is older than plans are and builds the app itself, so "+
			"that of both was built.", before.tree.name))
	}
	return was, is, notes, nil
}

// stack runs both programs for one stack. built tells that base did not take the stand-in for its release, so that head
// got none either.
func (p Project) stack(ctx context.Context, name string, before, head *program, was, is *plan.Stack,
	standIns string) (built bool, err error) {
	if was.Config != nil && was.Fault == nil && before.file != "" {
		was.Policy = p.policyOf(ctx, before, name, was.Config)
		if was.Graph, was.Fault, err = p.run(ctx, before, name, *was, run{standIns: standIns}); err != nil {
			return false, err
		}
	}
	if is.Config == nil || is.Fault != nil || head.file == "" {
		return false, nil
	}
	is.Policy = p.policyOf(ctx, head, name, is.Config)
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
	return built, p.twice(ctx, name, before, head, *was, is, run{before: after, standIns: standIns})
}

const (
	// later is by how much the clock is ahead for the second run of a program: another year, month, week, day, hour,
	// minute and second.
	later = 400*24*time.Hour + 7*time.Hour + 13*time.Minute + 17*time.Second
	// sooner is how long after the first run the second one is where the clock cannot be moved.
	sooner = 1100 * time.Millisecond
)

// twice runs head's program for a stack, and once more at another time. Where it does not give the same, and that of
// base did not either, what differs so is no change.
func (p Project) twice(ctx context.Context, name string, before, head *program, was plan.Stack, is *plan.Stack,
	r run) (err error) {
	other := r
	var again *graph.Graph
	var fault *plan.Fault
	var otherErr error
	repeat := func() { again, fault, otherErr = p.run(ctx, head, name, *is, other) }
	if apart.ClockMoves() == "" {
		other.later = later
		var beside sync.WaitGroup
		beside.Go(repeat)
		is.Graph, is.Fault, err = p.run(ctx, head, name, *is, r)
		beside.Wait()
	} else {
		begun := time.Now()
		if is.Graph, is.Fault, err = p.run(ctx, head, name, *is, r); err == nil && is.Fault == nil {
			if err := wait(ctx, time.Until(begun.Add(sooner))); err != nil {
				return err
			}
			repeat()
		}
	}
	if err = cmp.Or(err, otherErr); err != nil || is.Fault != nil {
		return err
	}
	if fault != nil {
		is.Again.Fault = fault.Said
		return nil
	}
	is.Again.Unsettled = is.Graph.Unsettled(again)
	if len(is.Again.Unsettled) == 0 || was.Graph == nil {
		return nil
	}
	wasAgain, fault, err := p.run(ctx, before, name, was, run{standIns: r.standIns, later: other.later})
	if err != nil || fault != nil {
		return err
	}
	if is.Again.Kept = graph.Kept(was.Graph, wasAgain, is.Graph, again); len(is.Again.Kept) == 0 {
		return nil
	}
	r.before.Kept = is.Again.Kept
	is.Graph, is.Fault, err = p.run(ctx, head, name, *is, r)
	return err
}

func wait(ctx context.Context, long time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(long):
		return nil
	}
}

// run is how a program runs for a stack.
type run struct {
	// before is what was there before.
	before graph.Before
	// standIns is the folder of what stands in for artifacts; empty: nothing does.
	standIns string
	// later is by how much the clock is ahead.
	later time.Duration
}

// run runs a program for a stack. The fault is why it gives no graph.
func (p Project) run(ctx context.Context, of *program, name string, s plan.Stack, r run) (*graph.Graph, *plan.Fault,
	error) {
	fail := func(err error) (*graph.Graph, *plan.Fault, error) { return nil, nil, err }
	done, err := p.limits.begin(ctx)
	if err != nil {
		return fail(err)
	}
	defer done()
	home, err := os.MkdirTemp("", "plan-home-")
	if err != nil {
		return fail(err)
	}
	defer os.RemoveAll(home)
	env := environment(home)
	read := tools()
	for _, variable := range slices.Sorted(maps.Keys(of.config.Environment)) {
		env = append(env, variable+"="+of.config.Environment[variable])
	}
	if of.sources != "" && r.standIns != "" {
		file := filepath.Join(r.standIns, of.sources)
		if err := place(file, of.sources); err != nil {
			return fail(err)
		}
		env, read = append(env, p.Artifact.Variable+"="+file), append(read, file)
	}
	built, err := of.standIns()
	if err != nil {
		return fail(err)
	}
	g, err := graph.Run(ctx, graph.Program{Path: of.file, Dir: of.dir(), Root: realPath(of.tree.dir),
		Project: filepath.Join(of.tree.dir, filepath.FromSlash(of.config.Folder)), Tree: of.tree.dir,
		Read: read, Empty: []string{home}, StandIns: built, Env: env, Later: r.later, Time: p.limits.time,
		Memory: p.limits.memory}, r.before, of.name, name, s.Config, s.Secrets)
	failed, is := errors.AsType[*graph.ProgramError](err)
	if !is {
		return g, nil, err
	}
	if p.SettingsFault != nil {
		if said, is := p.SettingsFault(failed.Said); is {
			return nil, &plan.Fault{Kind: plan.FaultSettings, Said: said}, nil
		}
	}
	said := of.plainly(failed.Said)
	if key := missingKey.FindStringSubmatch(said); key != nil {
		return nil, &plan.Fault{Kind: plan.FaultSettings, Said: fmt.Sprintf("The program needs the configuration %s, "+
			"which no file here sets: add it to Pulumi.%s.yaml. Where a deployment gets it elsewhere, which a value "+
			"there would take the place of, add it to config of the project in stackplan.yaml: that holds in plans "+
			"alone, and any value of the right form will do.\n%s",
			key[1], name, said)}, nil
	}
	if asked := failed.Unanswered; len(asked) > 0 {
		said += "\nBefore, it asked what only a deployment knows: " + strings.Join(asked, ", ") + ". A plan answers " +
			"with texts that begin with unknown-, and else with 0, false and nothing."
	}
	return nil, &plan.Fault{Kind: plan.FaultProgram, Said: said}, nil
}

// missingKey is what the SDK says where the configuration lacks a key that the program cannot do without.
var missingKey = regexp.MustCompile(`[Mm]issing required configuration variable '([^']+)'`)

// trace is where Go begins to list the calls that a program was in.
var trace = regexp.MustCompile(`(?m)^goroutine \d+ .*:$`)

// plainly is what a program said when it failed, without folders of this machine and without how it was told what it
// says. Of the calls that it was in, there is left the last one of the repository.
func (of *program) plainly(said string) string {
	dirs := []string{of.tree.dir + string(filepath.Separator)}
	if of.tree.past { // it may be that of head
		dirs = append(dirs, of.tree.head+string(filepath.Separator))
	}
	if at := trace.FindStringIndex(said); at != nil {
		calls := said[at[0]:]
		said = strings.TrimSpace(said[:at[0]])
	found:
		for line := range strings.Lines(calls) {
			for _, dir := range dirs {
				if name, is := strings.CutPrefix(strings.TrimSpace(line), dir); is {
					name, _, _ = strings.Cut(name, " ")
					said += "\nat " + filepath.ToSlash(name)
					break found
				}
			}
		}
	}
	for _, dir := range dirs {
		said = strings.ReplaceAll(said, dir, "")
	}
	return strings.NewReplacer("waiting for RPCs: ", "", "rpc error: code = Unknown desc = ", "").Replace(said)
}

// realPath is a folder as a compiler names it, which follows links.
func realPath(dir string) string {
	if resolved, err := filepath.EvalSymlinks(dir); err == nil {
		return resolved
	}
	return dir
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

// tools are the folders of programs that are not among the system's own.
func tools() []string {
	var found []string
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		home, err := os.UserHomeDir()
		inside, relErr := filepath.Rel(dir, home)
		// A folder that the home is in would show all of it.
		if !filepath.IsAbs(dir) || err == nil && relErr == nil && filepath.IsLocal(inside) {
			continue
		}
		found = append(found, dir)
	}
	return found
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

// migrations are those that run on the databases of a project.
func (of *program) migrations() ([]plan.File, error) {
	pattern := of.config.Migrations
	if pattern == "" {
		return nil, nil
	}
	root := of.tree.files()
	if info, err := fs.Stat(root, pattern); err == nil && info.IsDir() {
		pattern = path.Join(pattern, "*.sql")
	}
	paths, err := fs.Glob(root, pattern) // sorted
	if err != nil {
		return nil, fmt.Errorf("looking for the migrations %s: %w", pattern, err)
	}
	var files []plan.File
	for _, path := range paths {
		text, err := fs.ReadFile(root, path)
		if err != nil {
			return nil, fmt.Errorf("reading the migrations: %w", unplaced(err))
		}
		files = append(files, plan.File{Path: path, Text: string(text)})
	}
	return files, nil
}
