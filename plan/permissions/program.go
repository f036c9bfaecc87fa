package permissions

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/types"
	"maps"
	"os/exec"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
)

// Program is a program, or a package of one, with the operations of AWS that it can call.
type Program struct {
	// Path is its import path.
	Path string
	// Calls are sorted, each once.
	Calls []Call
}

// Calls returns what the programs can call, in their order. They are import paths; root is a folder from which the go
// command finds them, with the versions of its workspace. Of a package that is no program every function counts as
// called. The source is read for the platform that this runs on.
//
// Errors: the source does not compile; it uses a part of the SDK that is not understood here; it mentions an operation
// in a function that no program reaches, which nothing would need a permission for.
func Calls(ctx context.Context, root string, paths ...string) ([]Program, error) {
	own, err := ownPackages(ctx, root, paths)
	if err != nil {
		return nil, err
	}
	pkgs, err := packages.Load(&packages.Config{Context: ctx, Dir: root, Mode: packages.LoadSyntax}, own...)
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", strings.Join(paths, ", "), err)
	}
	s := &source{map[string]*packages.Package{}, map[*types.Func]*node{}, map[*packages.Package][]*node{}, nil}
	var faults []error
	for _, p := range pkgs {
		for _, e := range p.Errors {
			faults = append(faults, e)
		}
		s.packages[p.PkgPath] = p
		for path := range p.Imports {
			if strings.HasPrefix(path, sdk) && !slices.ContainsFunc(understood, func(part string) bool {
				return path == sdk+part || strings.HasPrefix(path, sdk+part+"/") && part != "credentials"
			}) {
				faults = append(faults, fmt.Errorf("%s imports %s, and what that calls is not known here", p.PkgPath,
					path))
			}
		}
	}
	if faults != nil {
		return nil, fmt.Errorf("load %s: %w", strings.Join(paths, ", "), errors.Join(faults...))
	}
	for _, p := range pkgs {
		s.read(p)
	}
	s.outside()
	var programs []Program
	reached := map[*node]bool{}
	for _, path := range paths {
		nodes := s.reach(s.packages[path])
		programs = append(programs, Program{Path: path, Calls: callsIn(nodes)})
		maps.Copy(reached, nodes)
	}
	for f, n := range s.nodes {
		if !reached[n] && len(n.operations) > 0 {
			faults = append(faults,
				fmt.Errorf("%s: %s calls %s, but no program reaches it", pkgs[0].Fset.Position(f.Pos()),
					f.FullName(), strings.Join(slices.Sorted(maps.Keys(n.operations)), ", ")))
		}
	}
	return programs, errors.Join(faults...)
}

// The parts of the SDK. What is understood calls nothing by itself, or takes the input of an operation; how a program
// gets its credentials is not followed, but for providers that it makes, which are refused.
const (
	sdk      = "github.com/aws/aws-sdk-go-v2/"
	services = sdk + "service/"
)

var understood = []string{"aws", "config", "credentials", "feature/dynamodb/attributevalue",
	"feature/dynamodb/expression", "service"}

// ownPackages returns the packages of the workspace's own modules among the programs and all that they import.
func ownPackages(ctx context.Context, root string, paths []string) ([]string, error) {
	cmd := exec.CommandContext(ctx, "go", append([]string{"list", "-deps", "-f",
		"{{with .Module}}{{if .Main}}{{$.ImportPath}}{{end}}{{end}}"}, paths...)...)
	cmd.Dir = root
	out, err := cmd.Output()
	if failed, is := errors.AsType[*exec.ExitError](err); is {
		err = fmt.Errorf("%w: %s", err, failed.Stderr)
	}
	if err != nil {
		return nil, fmt.Errorf("list what %s import: %w", strings.Join(paths, ", "), err)
	}
	return strings.Fields(string(out)), nil
}

// source is what the functions of the workspace mention.
type source struct {
	packages map[string]*packages.Package
	nodes    map[*types.Func]*node
	// always are the nodes that run wherever their package is part of a program, or that other modules may call: init,
	// what initializes variables, and the methods of other modules' interfaces.
	always map[*packages.Package][]*node
	// named are the types that can have methods.
	named []*types.Named
}

// node is a function, or what initializes a package's variables.
type node struct {
	mentions map[*types.Func]bool
	// operations are those whose methods are mentioned, as "service.Operation".
	operations map[string]bool
	// made are the fields of the inputs that it makes, changed those that it sets otherwise, both by operation.
	made    map[string][]map[string]bool
	changed map[string]map[string]bool
}

// read takes in the functions of a package.
func (s *source) read(p *packages.Package) {
	for _, file := range p.Syntax {
		for _, d := range file.Decls {
			n := &node{map[*types.Func]bool{}, map[string]bool{}, map[string][]map[string]bool{},
				map[string]map[string]bool{}}
			n.read(p.TypesInfo, d)
			if f, is := d.(*ast.FuncDecl); is {
				s.nodes[p.TypesInfo.Defs[f.Name].(*types.Func)] = n
				if f.Recv != nil || f.Name.Name != "init" {
					continue
				}
			}
			s.always[p] = append(s.always[p], n)
		}
	}
	for _, name := range p.Types.Scope().Names() {
		if t, is := p.Types.Scope().Lookup(name).(*types.TypeName); is && !t.IsAlias() {
			s.named = append(s.named, t.Type().(*types.Named))
		}
	}
}

// read notes what is mentioned below a declaration.
func (n *node) read(info *types.Info, d ast.Decl) {
	ast.Inspect(d, func(at ast.Node) bool {
		switch at := at.(type) {
		case *ast.Ident:
			f, is := info.Uses[at].(*types.Func)
			if !is {
				break
			}
			n.mentions[f.Origin()] = true
			if name := takes(f); name != "" {
				n.operations[name] = true
			}
		case *ast.CompositeLit:
			name := inputOf(info.TypeOf(at))
			if name == "" {
				break
			}
			set := map[string]bool{}
			for _, e := range at.Elts {
				if field, is := e.(*ast.KeyValueExpr); is && !info.Types[field.Value].IsNil() {
					set[field.Key.(*ast.Ident).Name] = true
				}
			}
			n.made[name] = append(n.made[name], set)
		case *ast.AssignStmt:
			for _, left := range at.Lhs {
				field, is := left.(*ast.SelectorExpr)
				if !is {
					continue
				}
				if name := inputOf(info.TypeOf(field.X)); name != "" {
					if n.changed[name] == nil {
						n.changed[name] = map[string]bool{}
					}
					n.changed[name][field.Sel.Name] = true
				}
			}
		}
		return true
	})
}

// takes returns the operation that a function calls or stands for: a method of a client, a presigner, a waiter or an
// interface with the operation's input after the context, or what makes a paginator of it.
func takes(f *types.Func) string {
	if f.Pkg() == nil || f.Signature().Params().Len() < 2 {
		return ""
	}
	recv := f.Signature().Recv()
	if recv == nil && !strings.HasPrefix(f.Pkg().Path(), services) ||
		recv != nil && !strings.HasPrefix(f.Pkg().Path(), services) && !types.IsInterface(recv.Type()) {
		return ""
	}
	return inputOf(f.Signature().Params().At(1).Type())
}

// inputOf returns the operation that a type is the input of, as "service.Operation"; empty for any other type.
func inputOf(t types.Type) string {
	if ptr, is := t.(*types.Pointer); is {
		t = ptr.Elem()
	}
	named, is := t.(*types.Named)
	if !is || named.Obj().Pkg() == nil {
		return ""
	}
	service, ours := strings.CutPrefix(named.Obj().Pkg().Path(), services)
	name, input := strings.CutSuffix(named.Obj().Name(), "Input")
	if !ours || !input || strings.Contains(service, "/") {
		return ""
	}
	return service + "." + name
}

// reach returns the nodes that a program leads to. A method that is called on an interface leads to those of all types
// that implement it.
func (s *source) reach(program *packages.Package) map[*node]bool {
	reached := map[*node]bool{}
	seen := map[*types.Func]bool{}
	var function func(f *types.Func)
	visit := func(n *node) {
		if n == nil || reached[n] {
			return
		}
		reached[n] = true
		for f := range n.mentions {
			function(f)
		}
	}
	function = func(f *types.Func) {
		if seen[f] {
			return
		}
		seen[f] = true
		visit(s.nodes[f])
		if recv := f.Signature().Recv(); recv != nil && types.IsInterface(recv.Type()) {
			for _, t := range s.named {
				if m := method(t, recv.Type(), f.Name()); m != nil {
					function(m)
				}
			}
		}
	}
	packages.Visit([]*packages.Package{program}, nil, func(p *packages.Package) {
		for _, n := range s.always[p] {
			visit(n)
		}
	})
	for f := range s.nodes {
		if f.Pkg() == program.Types && (f.Name() == "main" || program.Name != "main") {
			function(f)
		}
	}
	return reached
}

// method returns the method by which a type implements one of an interface; nil where it does not.
func method(t *types.Named, of types.Type, name string) *types.Func {
	if types.IsInterface(t) || !types.Implements(types.NewPointer(t), of.Underlying().(*types.Interface)) {
		return nil
	}
	found, _, _ := types.LookupFieldOrMethod(types.NewPointer(t), false, t.Obj().Pkg(), name)
	f, _ := found.(*types.Func)
	if f == nil {
		return nil
	}
	return f.Origin()
}

// outside notes the methods that other modules may call, by an interface of theirs. The SDK has interfaces for its own
// operations, which nothing but the program's own code calls.
func (s *source) outside() {
	done := map[*types.Package]bool{}
	for _, p := range s.packages {
		for _, imported := range p.Types.Imports() {
			if done[imported] || s.packages[imported.Path()] != nil || strings.HasPrefix(imported.Path(), services) {
				continue
			}
			done[imported] = true
			for _, name := range imported.Scope().Names() {
				s.implemented(imported.Scope().Lookup(name))
			}
		}
	}
}

// implemented notes the methods of an interface of another module.
func (s *source) implemented(o types.Object) {
	t, is := o.(*types.TypeName)
	if !is || !types.IsInterface(t.Type()) {
		return
	}
	for m := range t.Type().Underlying().(*types.Interface).Methods() {
		for _, own := range s.named {
			if f := method(own, t.Type(), m.Name()); f != nil && s.nodes[f] != nil {
				p := s.packages[own.Obj().Pkg().Path()]
				s.always[p] = append(s.always[p], s.nodes[f])
			}
		}
	}
}

// callsIn returns the operations that nodes mention, with the fields that matter of the inputs that any of them makes.
func callsIn(nodes map[*node]bool) []Call {
	with := map[string]map[string]bool{} // operation → sets of fields
	for n := range nodes {
		for name := range n.operations {
			if with[name] == nil {
				with[name] = map[string]bool{}
			}
		}
	}
	for n := range nodes {
		for name := range with {
			for _, set := range n.inputs(name) {
				with[name][relevant(name, set)] = true
			}
		}
	}
	var calls []Call
	for name, sets := range with {
		if len(sets) == 0 {
			sets[""] = true
		}
		service, operation, _ := strings.Cut(name, ".")
		for set := range sets {
			calls = append(calls, Call{service, operation, set})
		}
	}
	return sorted(calls)
}

// inputs returns the sets of fields that an operation's input may have when it leaves the function: as it was made,
// with each of the fields that are changed, and with all.
func (n *node) inputs(name string) []map[string]bool {
	sets := slices.Clone(n.made[name])
	if len(n.changed[name]) == 0 {
		return sets
	}
	if sets == nil { // it was made elsewhere
		sets = append(sets, nil)
	}
	for _, made := range slices.Clone(sets) {
		all := maps.Clone(n.changed[name])
		maps.Copy(all, made)
		for field := range n.changed[name] {
			one := map[string]bool{field: true}
			maps.Copy(one, made)
			sets = append(sets, one)
		}
		sets = append(sets, all)
	}
	return sets
}

// relevant keeps of a set of fields those that change which permission the operation needs.
func relevant(operation string, set map[string]bool) string {
	kept := map[string]bool{}
	for _, r := range operations[operation].rules {
		kept[r.field] = set[r.field]
	}
	return fields(kept)
}
