package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// deepest is how far arguments are followed into arguments: some types' schemas contain themselves.
const deepest = 6

// An argument is one of a resource type, or of an argument of it.
type argument struct {
	name string
	// replaces tells that a change needs another resource, mayReplace that the provider's code decides.
	replaces, mayReplace bool
	// whole tells that replaces covers all that is nested.
	whole bool
	// settable is false for what only AWS sets.
	settable bool
	// opaque tells that the source is not understood.
	opaque bool
	nested []*argument
}

// A resource is a type of the provider.
type resource struct{ arguments []*argument }

// A pkg is a package of the provider's source.
type pkg struct {
	functions map[string]*ast.FuncDecl
	values    map[string]ast.Expr
	// shared are constants of other packages, by qualified name.
	shared map[string]string
}

// read returns the provider's resources by name.
func read(dir string) (map[string]*resource, error) {
	shared := map[string]string{}
	names, err := parse(filepath.Join(dir, "names"), nil)
	if err != nil {
		return nil, err
	}
	for name, value := range names.values {
		if s := literal(value); s != "" {
			shared["names."+name] = s
		}
	}
	folders, err := os.ReadDir(filepath.Join(dir, "internal", "service"))
	if err != nil {
		return nil, fmt.Errorf("reading the provider's source: %w", err)
	}
	found := map[string]*resource{}
	for _, folder := range folders {
		p, err := parse(filepath.Join(dir, "internal", "service", folder.Name()), shared)
		if err != nil {
			return nil, err
		}
		p.resources(found)
	}
	return found, nil
}

func parse(dir string, shared map[string]string) (*pkg, error) {
	p := &pkg{functions: map[string]*ast.FuncDecl{}, values: map[string]ast.Expr{}, shared: shared}
	files, err := fs.Glob(os.DirFS(dir), "*.go")
	if err != nil {
		return nil, err
	}
	set := token.NewFileSet()
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(set, filepath.Join(dir, name), nil,
			parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, fmt.Errorf("reading the provider's source: %w", err)
		}
		for _, d := range file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				p.functions[method(d)] = d
			case *ast.GenDecl:
				for _, s := range d.Specs {
					if v, is := s.(*ast.ValueSpec); is {
						for i, id := range v.Names {
							if i < len(v.Values) {
								p.values[id.Name] = v.Values[i]
							}
						}
					}
				}
			}
		}
	}
	return p, nil
}

// method is a function's name, after its receiver's.
func method(f *ast.FuncDecl) string {
	if f.Recv == nil || len(f.Recv.List) == 0 {
		return f.Name.Name
	}
	t := f.Recv.List[0].Type
	if star, is := t.(*ast.StarExpr); is {
		t = star.X
	}
	if id, is := t.(*ast.Ident); is {
		return id.Name + "." + f.Name.Name
	}
	return f.Name.Name
}

var annotation = regexp.MustCompile(`@SDKResource\("(aws_[a-z0-9_]+)"`)

// resources adds those of a package: functions marked with the SDK's annotation, and types that name themselves to the
// newer framework.
func (p *pkg) resources(found map[string]*resource) {
	for name, f := range p.functions {
		if f.Doc != nil && f.Body != nil {
			for _, match := range annotation.FindAllStringSubmatch(f.Doc.Text()+comments(f.Doc), -1) {
				if r := p.sdk(f); r != nil {
					found[match[1]] = r
				}
			}
		}
		receiver, is := strings.CutSuffix(name, ".Metadata")
		schema := p.functions[receiver+".Schema"]
		if !is || schema == nil || !parameter(schema, "resource") {
			continue
		}
		ast.Inspect(f.Body, func(n ast.Node) bool {
			if set, is := n.(*ast.AssignStmt); is && len(set.Rhs) == 1 &&
				strings.HasPrefix(literal(set.Rhs[0]), "aws_") {
				found[literal(set.Rhs[0])] = p.framework(schema)
			}
			return true
		})
	}
}

// comments are those that Text leaves out because they look like directives.
func comments(group *ast.CommentGroup) string {
	var b strings.Builder
	for _, c := range group.List {
		b.WriteString(c.Text)
	}
	return b.String()
}

// parameter reports whether a function has a parameter of a type of a package.
func parameter(f *ast.FuncDecl, pkg string) bool {
	found := false
	ast.Inspect(f.Type.Params, func(n ast.Node) bool {
		if s, is := n.(*ast.SelectorExpr); is && called(s.X, pkg) {
			found = true
		}
		return true
	})
	return found
}

// sdk reads a function that returns a resource of the SDK.
func (p *pkg) sdk(f *ast.FuncDecl) *resource {
	var body *ast.CompositeLit
	ast.Inspect(f.Body, func(n ast.Node) bool {
		if lit, is := n.(*ast.CompositeLit); is && body == nil && selected(lit.Type) == "schema.Resource" {
			body = lit
		}
		return body == nil
	})
	if body == nil {
		return nil
	}
	s := &scope{pkg: p, function: f}
	r := &resource{arguments: s.schemaOf(body, 0)}
	if decides := field(body, "CustomizeDiff"); decides != nil {
		for _, path := range p.decided(decides, map[string]bool{}) {
			mark(r.arguments, path)
		}
	}
	return r
}

// mark marks an argument as one that may replace; not one that the source has otherwise.
func mark(arguments []*argument, path string) {
	name, rest, deeper := strings.Cut(path, ".")
	for _, a := range arguments {
		if a.name != name {
			continue
		}
		for deeper && (rest == "#" || rest[0] >= '0' && rest[0] <= '9') {
			_, rest, deeper = strings.Cut(rest, ".")
		}
		if deeper {
			mark(a.nested, rest)
		} else {
			a.mayReplace = true
		}
		return
	}
}

// decided are the arguments for which a function of the provider asks for another resource, as far as the source names
// them.
func (p *pkg) decided(e ast.Node, seen map[string]bool) (paths []string) {
	ast.Inspect(e, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			s, is := n.Fun.(*ast.SelectorExpr)
			if !is || len(n.Args) == 0 || !strings.HasPrefix(s.Sel.Name, "ForceNew") {
				return true
			}
			if path := p.text(n.Args[0]); path != "" {
				paths = append(paths, path)
			}
		case *ast.Ident:
			if f := p.functions[n.Name]; f != nil && f.Body != nil && !seen[n.Name] && f != e {
				seen[n.Name] = true
				paths = append(paths, p.decided(f.Body, seen)...)
			}
		}
		return true
	})
	slices.Sort(paths)
	return slices.Compact(paths)
}

// A scope is where an expression stands: names are looked up in the function first.
type scope struct {
	*pkg
	function *ast.FuncDecl
}

// resolve follows names and calls to what they stand for; nil where that is not seen.
func (s *scope) resolve(e ast.Expr) (ast.Expr, *scope) {
	for range 20 {
		switch x := e.(type) {
		case *ast.UnaryExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		case *ast.Ident:
			next := s.local(x.Name)
			if next == nil {
				next = s.values[x.Name]
			}
			if next == nil {
				return nil, s
			}
			e = next
		case *ast.CallExpr:
			if lit, is := x.Fun.(*ast.FuncLit); is {
				e = returned(lit.Body)
				break
			}
			id, is := x.Fun.(*ast.Ident)
			if !is {
				return x, s
			}
			if lit, is := s.local(id.Name).(*ast.FuncLit); is {
				e = returned(lit.Body)
				break
			}
			f := s.functions[id.Name]
			if f == nil || f.Body == nil {
				return x, s
			}
			next := returned(f.Body)
			if next == nil {
				return nil, s
			}
			e, s = next, &scope{pkg: s.pkg, function: f}
		default:
			return e, s
		}
		if e == nil {
			return nil, s
		}
	}
	return nil, s
}

// local is what a variable of the function is first set to.
func (s *scope) local(name string) ast.Expr {
	if s.function == nil || s.function.Body == nil {
		return nil
	}
	var found ast.Expr
	ast.Inspect(s.function.Body, func(n ast.Node) bool {
		if set, is := n.(*ast.AssignStmt); is && found == nil && len(set.Lhs) == len(set.Rhs) {
			for i, l := range set.Lhs {
				if called(l, name) {
					found = set.Rhs[i]
				}
			}
		}
		return found == nil
	})
	return found
}

func returned(body *ast.BlockStmt) ast.Expr {
	for _, statement := range slices.Backward(body.List) {
		if r, is := statement.(*ast.ReturnStmt); is && len(r.Results) > 0 {
			return r.Results[0]
		}
	}
	return nil
}

// schemaOf are the arguments of a schema.Resource.
func (s *scope) schemaOf(body *ast.CompositeLit, depth int) []*argument {
	e := field(body, "Schema")
	if e == nil {
		if f, is := field(body, "SchemaFunc").(*ast.FuncLit); is {
			e = returned(f.Body)
		} else if id, is := field(body, "SchemaFunc").(*ast.Ident); is && s.functions[id.Name] != nil {
			f := s.functions[id.Name]
			e, s = returned(f.Body), &scope{pkg: s.pkg, function: f}
		}
	}
	if e == nil {
		return nil
	}
	e, in := s.resolve(e)
	m, is := e.(*ast.CompositeLit)
	if !is {
		return []*argument{{name: "*", opaque: true}}
	}
	var found []*argument
	for _, element := range m.Elts {
		kv, is := element.(*ast.KeyValueExpr)
		if !is {
			continue
		}
		name := in.text(kv.Key)
		if name == "" {
			found = append(found, &argument{name: "*", opaque: true})
			continue
		}
		found = append(found, in.argument(name, kv.Value, depth))
	}
	return found
}

// argument reads one of the SDK.
func (s *scope) argument(name string, e ast.Expr, depth int) *argument {
	a := &argument{name: name, settable: true}
	v, in := s.resolve(e)
	switch v := v.(type) {
	case *ast.CallExpr:
		called := selected(v.Fun)
		switch {
		case strings.HasSuffix(called, "TagsSchemaForceNew"):
			a.replaces = true
		case strings.HasSuffix(called, "TagsSchema"):
		case strings.HasSuffix(called, "Computed"), strings.HasSuffix(called, "ComputedSchema"):
			a.settable = false
		default:
			a.opaque = true
		}
		return a
	case *ast.CompositeLit:
		is := func(key string) bool { return called(field(v, key), "true") }
		a.replaces = is("ForceNew")
		a.settable = is("Optional") || is("Required")
		if elem := field(v, "Elem"); elem != nil && depth < deepest {
			inner, at := in.resolve(elem)
			if lit, is := inner.(*ast.CompositeLit); is {
				if field(lit, "Schema") != nil || field(lit, "SchemaFunc") != nil {
					a.nested = at.schemaOf(lit, depth+1)
				}
			} else {
				a.opaque = true
			}
		}
	default:
		a.opaque = true
	}
	return a
}

func field(lit *ast.CompositeLit, name string) ast.Expr {
	for _, e := range lit.Elts {
		if kv, is := e.(*ast.KeyValueExpr); is && called(kv.Key, name) {
			return kv.Value
		}
	}
	return nil
}

// selected is a qualified name, without what it points to or is made of.
func selected(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.SelectorExpr:
		if id, is := e.X.(*ast.Ident); is {
			return id.Name + "." + e.Sel.Name
		}
	case *ast.Ident:
		return e.Name
	case *ast.IndexExpr:
		return selected(e.X)
	}
	return ""
}

func called(e ast.Expr, name string) bool {
	id, is := e.(*ast.Ident)
	return is && id.Name == name
}

// text is a literal, or a constant of the package or of the shared one.
func (p *pkg) text(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		if v := p.values[e.Name]; v != nil {
			return literal(v)
		}
	case *ast.SelectorExpr:
		return p.shared[selected(e)]
	}
	return literal(e)
}

func literal(e ast.Expr) string {
	if lit, is := e.(*ast.BasicLit); is && lit.Kind == token.STRING {
		if s, err := strconv.Unquote(lit.Value); err == nil {
			return s
		}
	}
	return ""
}
