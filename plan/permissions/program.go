package permissions

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
	"golang.org/x/tools/go/ssa"
	"golang.org/x/tools/go/ssa/ssautil"
)

// Calls returns the commands of the programs, sorted, with the operations that each can reach. The programs are import
// paths; root is a folder from which the go command finds them, with the versions of its workspace. The source is read
// as it is there, for the hosts' platform, linux/arm64 without cgo.
//
// A command is what a function that returns a *cobra.Command makes; a program without any is one command, from main.
//
// Errors: the source does not compile; a command cannot be named; the source mentions an operation that no command
// reaches, which is either code that nothing runs or a call that the analysis does not understand.
func Calls(ctx context.Context, root string, programs ...string) ([]Command, error) {
	pkgs, err := load(ctx, root, programs)
	if err != nil {
		return nil, err
	}
	prog := build(pkgs)
	var entries []entry
	for _, p := range pkgs {
		found, err := entriesOf(prog.Package(p.Types))
		if err != nil {
			return nil, fmt.Errorf("the commands of %s: %w", p.PkgPath, err)
		}
		entries = append(entries, found...)
	}
	r, err := newReach(ctx, prog, entries)
	if err != nil {
		return nil, err
	}
	var commands []Command
	covered := map[ast.Node]bool{}
	for _, e := range entries {
		functions, err := r.from(ctx, e.roots)
		if err != nil {
			return nil, err
		}
		calls, err := callsIn(functions)
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", e.program, e.name, err)
		}
		commands = append(commands, Command{Program: e.program, Name: e.name, Calls: calls})
		for f := range functions {
			if f.Syntax() != nil {
				covered[f.Syntax()] = true
			}
		}
	}
	if err := checkCovered(pkgs, covered); err != nil {
		return nil, err
	}
	slices.SortFunc(commands, func(a, b Command) int {
		return strings.Compare(a.Program+" "+a.Name, b.Program+" "+b.Name)
	})
	return commands, nil
}

// load reads and type-checks the programs and all that they import.
func load(ctx context.Context, root string, programs []string) ([]*packages.Package, error) {
	cfg := &packages.Config{
		Context: ctx,
		Dir:     root,
		Env:     append(os.Environ(), "GOOS=linux", "GOARCH=arm64", "CGO_ENABLED=0"),
		Mode: packages.NeedName | packages.NeedFiles | packages.NeedCompiledGoFiles | packages.NeedImports | packages.NeedDeps |
			packages.NeedTypes | packages.NeedTypesSizes | packages.NeedSyntax | packages.NeedTypesInfo | packages.NeedModule,
		ParseFile: func(fset *token.FileSet, name string, src []byte) (*ast.File, error) {
			f, err := parser.ParseFile(fset, name, src, parser.SkipObjectResolution)
			if f != nil && unread(name) {
				hollow(f)
			}
			return f, err
		},
	}
	pkgs, err := packages.Load(cfg, programs...)
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", strings.Join(programs, ", "), err)
	}
	var faults []error
	packages.Visit(pkgs, nil, func(p *packages.Package) {
		for _, e := range p.Errors {
			if file, _, _ := strings.Cut(e.Pos, ":"); !unread(file) { // there, imports that hollow left unused
				faults = append(faults, e)
			}
		}
	})
	if faults != nil {
		return nil, fmt.Errorf("load %s: %w", strings.Join(programs, ", "), errors.Join(faults...))
	}
	for _, p := range pkgs {
		if p.Name != "main" {
			return nil, fmt.Errorf("load %s: it is no program but the package %s", p.PkgPath, p.Name)
		}
	}
	return pkgs, nil
}

// unread reports whether a file is of those whose functions are left empty, because they lead to no call and are most
// of the source: the C library and the SQLite that a machine translated to Go, which know only C's pointers, and what
// the SDK generates to write requests and read answers, which only operations use.
func unread(file string) bool {
	if strings.Contains(file, "/modernc.org/") {
		return true
	}
	if !strings.Contains(file, "/github.com/aws/aws-sdk-go-v2/service/") {
		return false
	}
	switch path.Base(file) {
	case "serializers.go", "deserializers.go", "validators.go", "endpoints.go":
		return true
	}
	return path.Base(path.Dir(file)) == "schemas"
}

// hollow takes the bodies out of a file's functions.
func hollow(f *ast.File) {
	for _, d := range f.Decls {
		if d, ok := d.(*ast.FuncDecl); ok && d.Body != nil {
			stop := &ast.CallExpr{Fun: ast.NewIdent("panic"), Args: []ast.Expr{&ast.BasicLit{Kind: token.INT, Value: "0"}}}
			d.Body = &ast.BlockStmt{List: []ast.Stmt{&ast.ExprStmt{X: stop}}}
		}
	}
}

// build makes the program that is analysed. It is made by hand because ssautil leaves packages out that have errors, as
// those with hollow functions do.
func build(pkgs []*packages.Package) *ssa.Program {
	prog := ssa.NewProgram(pkgs[0].Fset, ssa.InstantiateGenerics)
	packages.Visit(pkgs, nil, func(p *packages.Package) {
		if p.Types != nil {
			prog.CreatePackage(p.Types, p.Syntax, p.TypesInfo, true)
		}
	})
	prog.Build()
	packages.Visit(pkgs, nil, func(p *packages.Package) {
		if !own(p) {
			p.TypesInfo, p.Syntax = nil, nil // a third of the memory
		}
	})
	return prog
}

// entry is where a command begins.
type entry struct {
	program, name string
	roots         []*ssa.Function
}

const cobraCommand = "*github.com/spf13/cobra.Command"

// entriesOf returns the commands of a program.
func entriesOf(main *ssa.Package) ([]entry, error) {
	program := main.Pkg.Path()
	var entries []entry
	for f := range ssautil.AllFunctions(main.Prog) {
		results := f.Signature.Results()
		if f.Pkg != main || f.Synthetic != "" || f.Parent() != nil || results.Len() != 1 || results.At(0).Type().String() != cobraCommand {
			continue
		}
		name, err := commandName(f)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(entries, func(e entry) bool { return e.name == name }) {
			return nil, fmt.Errorf("two are called %s", name)
		}
		entries = append(entries, entry{program, name, append(mentioned(f), f, main.Func("init"))})
	}
	if entries == nil {
		entries = []entry{{program, "", []*ssa.Function{main.Func("main"), main.Func("init")}}}
	}
	return entries, nil
}

// commandName returns the first word of Use of the command that f returns.
func commandName(f *ssa.Function) (string, error) {
	for _, b := range f.Blocks {
		ret, ok := b.Instrs[len(b.Instrs)-1].(*ssa.Return)
		if !ok {
			continue
		}
		made := origin(ret.Results[0])
		if made == nil {
			continue
		}
		for _, s := range stores(made) {
			if s.field != "Use" {
				continue
			}
			if c, ok := s.value.(*ssa.Const); ok && c.Value != nil {
				use := strings.Trim(c.Value.ExactString(), `"`)
				if name, _, _ := strings.Cut(use, " "); name != "" {
					return name, nil
				}
			}
		}
	}
	return "", fmt.Errorf("%s: the command that it makes has no constant Use", f)
}

// origin follows a value back, through a local variable, to where it is allocated; nil where it is not made in the
// function.
func origin(v ssa.Value) *ssa.Alloc {
	switch v := v.(type) {
	case *ssa.Alloc:
		return v
	case *ssa.UnOp:
		cell, ok := v.X.(*ssa.Alloc)
		if !ok || v.Op != token.MUL {
			return nil
		}
		for _, ref := range *cell.Referrers() {
			if s, ok := ref.(*ssa.Store); ok && s.Addr == ssa.Value(cell) {
				return origin(s.Val)
			}
		}
	}
	return nil
}

// mentioned returns the functions that f hands on as values, such as those of a command's fields.
func mentioned(f *ssa.Function) []*ssa.Function {
	var found []*ssa.Function
	for _, b := range f.Blocks {
		for _, instr := range b.Instrs {
			var called *ssa.Value
			if c, ok := instr.(ssa.CallInstruction); ok {
				called = &c.Common().Value
			}
			for _, op := range instr.Operands(nil) {
				if fn, ok := (*op).(*ssa.Function); ok && op != called {
					found = append(found, fn)
				}
			}
		}
	}
	return found
}
