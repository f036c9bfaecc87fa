package permissions

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/types"
	"strings"

	"golang.org/x/tools/go/callgraph"
	"golang.org/x/tools/go/callgraph/cha"
	"golang.org/x/tools/go/callgraph/vta"
	"golang.org/x/tools/go/packages"
	"golang.org/x/tools/go/ssa"
)

// The parts of the SDK.
const (
	sdk         = "github.com/aws/aws-sdk-go-v2/"
	services    = sdk + "service/"
	transfers   = sdk + "feature/s3/transfermanager"
	sdkConfig   = sdk + "config"
	credentials = sdk + "credentials/"
)

// reach knows who calls whom.
type reach struct {
	prog  *ssa.Program
	graph *callgraph.Graph
}

type functions = map[*ssa.Function]bool

// refinements bounds how often a call graph is made anew from the functions that the last one reaches. Each time it
// reaches fewer.
const refinements = 6

// newReach makes the call graph of all entries together: class hierarchy analysis first, which knows every method that
// could be meant, and then variable type analysis, which follows values, so that an interface's method is only what
// somebody put into that interface.
func newReach(ctx context.Context, prog *ssa.Program, entries []entry) (*reach, error) {
	r := &reach{prog, cha.CallGraph(prog)}
	var roots []*ssa.Function
	for _, e := range entries {
		roots = append(roots, e.roots...)
	}
	_, graph, err := r.refine(ctx, roots, r.slice(r.graph, roots))
	r.graph = graph
	return r, err
}

// from returns the functions that are reachable from the roots, and no others: what values other commands use plays no
// part.
func (r *reach) from(ctx context.Context, roots []*ssa.Function) (functions, error) {
	reached, _, err := r.refine(ctx, roots, r.slice(r.graph, roots))
	return reached, err
}

// refine makes the graph of the functions reached, until it leads to no fewer operations than the one before.
func (r *reach) refine(ctx context.Context, roots []*ssa.Function, reached functions) (functions, *callgraph.Graph, error) {
	graph := r.graph
	for range refinements {
		if err := ctx.Err(); err != nil {
			return nil, nil, fmt.Errorf("make the call graph: %w", err)
		}
		graph = vta.CallGraph(reached, graph)
		fewer := r.slice(graph, roots)
		settled := operationsIn(fewer) == operationsIn(reached)
		reached = fewer
		if settled {
			break
		}
	}
	return reached, graph, nil
}

// operationsIn counts the operations among the functions.
func operationsIn(reached functions) int {
	count := 0
	for f := range reached {
		if _, ok := operation(f); ok {
			count++
		}
	}
	return count
}

// slice returns the functions that a graph leads to from the roots.
func (r *reach) slice(graph *callgraph.Graph, roots []*ssa.Function) functions {
	seen := functions{}
	todo := append([]*ssa.Function(nil), roots...)
	for len(todo) > 0 {
		f := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if f == nil || seen[f] {
			continue
		}
		seen[f] = true
		if _, ok := operation(f); ok || packagePath(f) == sdkConfig {
			continue
		}
		if n := graph.Nodes[f]; n != nil {
			for _, e := range n.Out {
				todo = append(todo, e.Callee.Func)
			}
		}
		if strings.HasPrefix(packagePath(f), credentials) && strings.HasPrefix(f.Name(), "New") {
			// The SDK's clients ask it while they sign, in code that is not followed.
			todo = append(todo, r.retrievers(f.Pkg)...)
		}
	}
	return seen
}

// retrievers returns the methods by which a package provides credentials.
func (r *reach) retrievers(pkg *ssa.Package) []*ssa.Function {
	var found []*ssa.Function
	for _, m := range pkg.Members {
		t, ok := m.(*ssa.Type)
		if !ok {
			continue
		}
		if named, ok := t.Type().(*types.Named); ok {
			for method := range named.Methods() {
				if method.Name() == "Retrieve" {
					found = append(found, r.prog.FuncValue(method))
				}
			}
		}
	}
	return found
}

func packagePath(f *ssa.Function) string {
	if f.Pkg == nil {
		return ""
	}
	return f.Pkg.Pkg.Path()
}

// operation returns the call that f is: a method of a service's client or presigner.
func operation(f *ssa.Function) (Call, bool) {
	recv := f.Signature.Recv()
	if recv == nil || f.Synthetic != "" {
		return Call{}, false
	}
	ptr, ok := recv.Type().(*types.Pointer)
	if !ok {
		return Call{}, false
	}
	named, ok := ptr.Elem().(*types.Named)
	if !ok || named.Obj().Name() != "Client" && named.Obj().Name() != "PresignClient" || !ast.IsExported(f.Name()) {
		return Call{}, false
	}
	call, ok := callOf(f.Signature)
	return call, ok && named.Obj().Pkg().Path() == services+call.Service
}

// callOf returns the operation whose input is the second parameter, as it is in every method of the SDK's clients and
// of the interfaces that are made after them.
func callOf(s *types.Signature) (Call, bool) {
	if s.Params().Len() < 2 {
		return Call{}, false
	}
	pkg, name := inputType(s.Params().At(1).Type())
	service, ok := strings.CutPrefix(pkg, services)
	if !ok || name == "" {
		return Call{}, false
	}
	return Call{Service: service, Operation: name}, true
}

// inputType returns the package and the operation of a type *XInput of the SDK; both empty for any other type.
func inputType(t types.Type) (pkg, operation string) {
	if ptr, ok := t.(*types.Pointer); ok {
		t = ptr.Elem()
	}
	named, ok := t.(*types.Named)
	if !ok || named.Obj().Pkg() == nil || !strings.HasPrefix(named.Obj().Pkg().Path(), sdk) {
		return "", ""
	}
	path := named.Obj().Pkg().Path()
	name, ok := strings.CutSuffix(named.Obj().Name(), "Input")
	if !ok || strings.HasSuffix(path, "/types") {
		return "", ""
	}
	return path, name
}

// checkCovered refuses source of the project that mentions an operation in a function that is not covered.
func checkCovered(pkgs []*packages.Package, covered map[ast.Node]bool) error {
	var faults []error
	packages.Visit(pkgs, nil, func(p *packages.Package) {
		if !own(p) {
			return
		}
		for _, file := range p.Syntax {
			var within []ast.Node // the nodes around
			ast.Inspect(file, func(n ast.Node) bool {
				if n == nil {
					within = within[:len(within)-1]
					return true
				}
				within = append(within, n)
				id, ok := n.(*ast.Ident)
				if !ok {
					return true
				}
				what := mention(p.TypesInfo.Uses[id])
				if what == "" {
					return true
				}
				for i := len(within) - 1; i >= 0; i-- {
					switch within[i].(type) {
					case *ast.FuncDecl, *ast.FuncLit:
						if !covered[within[i]] {
							faults = append(faults, fmt.Errorf("%s: %s is called here, but no command reaches it", p.Fset.Position(id.Pos()), what))
						}
						return true
					}
				}
				return true
			})
		}
	})
	return errors.Join(faults...)
}

// own reports whether a package is of the project: of a module of the workspace.
func own(p *packages.Package) bool { return p.Module != nil && p.Module.Main }

// mention returns the name of a function that is an operation or leads to one; empty for any other object.
func mention(o types.Object) string {
	f, ok := o.(*types.Func)
	if !ok || f.Pkg() == nil {
		return ""
	}
	if call, ok := callOf(f.Signature()); ok && f.Signature().Recv() != nil {
		return call.String()
	}
	if !f.Exported() {
		return ""
	}
	path, name := f.Pkg().Path(), f.Name()
	switch {
	case strings.HasPrefix(path, services) && strings.HasPrefix(name, "New") && (strings.HasSuffix(name, "Paginator") || strings.HasSuffix(name, "Waiter")),
		path == transfers && f.Signature().Recv() != nil && strings.HasSuffix(f.Signature().Recv().Type().String(), ".Client"),
		strings.HasPrefix(path, credentials) && strings.HasPrefix(name, "New"):
		return f.FullName()
	}
	return ""
}
