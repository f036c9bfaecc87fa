package engine

import (
	"cmp"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// source is what a rule of the double names: a document, a public issue, or a file of the provider or of AWS's own SDK.
var source = regexp.MustCompile(
	`https://[a-z0-9.-]+/\S+|\b[a-z0-9-]+/[a-z0-9.-]+#\d+|\binternal/\S+\.go|\bprovider/\S+\.go|\bbotocore/data/\S+`)

// noRules are functions that refuse something, and not because AWS or a provider does.
var noRules = map[string]string{
	"Change":          "changes what a test says",
	"check":           "checks the double itself",
	"checkReferences": "applies references",
	"checkUnique":     "applies kinds",
	"checkUnused":     "applies references",
	"Invoke":          "refuses what the model has no answer for",
	"create":          "refuses what is not known yet, and passes on what rules refuse",
	"createCommand":   "passes on what a command says",
	"delete":          "passes on what rules refuse",
	"run":             "passes on what a command says",
	"vpcOf":           "tells its callers what is in different VPCs",
	"renew":           "checks the double itself",
	"update":          "refuses what is not known yet, and passes on what rules refuse",
	"updateCommand":   "passes on what a command says",
}

// TestRulesNameTheirSource: a rule that somebody made up would flatter the program. A rule is a function that refuses
// something, a case that depends on a resource's type, or an entry of a table by type. It names its source in its own
// comment, or in that of the function or the table; in a table a comment is for the entries that follow without a blank
// line or another comment.
func TestRulesNameTheirSource(t *testing.T) {
	unknown := maps.Clone(noRules)
	for _, dir := range []struct {
		path string
		// roots are the functions from which all rules are reached, and least is how many there are at least.
		roots []string
		least int
	}{
		{".", []string{"create", "update", "delete", "checkLimits", "differ"}, 140},
		{"../internal/awsmodel", []string{"Compute", "Invoke", "Renewed", "Names"}, 70},
	} {
		t.Run(filepath.Base(dir.path), func(t *testing.T) {
			p := parseRules(t, dir.path)
			rules := p.rules(dir.roots)
			for _, r := range rules {
				if !r.sourced {
					t.Errorf("%s: %s names no source", p.files.Position(r.at), r.name)
				}
			}
			if len(rules) < dir.least {
				t.Errorf("%d rules are found, want %d at least", len(rules), dir.least)
			}
			for name := range p.functions {
				delete(unknown, name)
			}
		})
	}
	for name := range unknown {
		t.Errorf("noRules names %s, which does not exist", name)
	}
}

// TestRulesWithoutSource shows that each kind of rule is found.
func TestRulesWithoutSource(t *testing.T) {
	dir := t.TempDir()
	const text = `package p

var limits = map[string]func(look){
	vpcType: limitVPC,
	// https://example.org/subnet
	subnetType: func(l look) { l.required("x") },
	routeType: func(l look) { l.required("x") },

	natType: func(l look) { l.required("x") },
}

// Sources: https://example.org/kinds
var kinds = map[string]kind{vpcType: {}}

func checkLimits(l look) { limits["x"](l) }

func limitVPC(l look) {
	l.oneOf("a", "b")
	helper(l)
}

func helper(l look) {
	// hashicorp/terraform-provider-aws#1
	l.refuse("a", "b")
}

func unused(l look) { l.refuse("a", "b") }

func create(r *Resource) error {
	switch r.Token {
	case vpcType:
		return errors.New("internal/service/ec2/vpc.go is in a text, and no source")
	case subnetType:
		return leave(r) // internal/service/ec2/subnet.go
	}
	return nil
}

func leave(r *Resource) error { return errors.New("no") }
`
	if err := os.WriteFile(filepath.Join(dir, "p.go"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p := parseRules(t, dir)
	var bare []string
	for _, r := range p.rules([]string{"create", "checkLimits"}) {
		if !r.sourced {
			bare = append(bare, r.name)
		}
	}
	slices.Sort(bare)
	want := []string{"case vpcType of create", "leave", "limitVPC", "natType of limits"}
	if !slices.Equal(bare, want) {
		t.Errorf("without a source are %q, want %q", bare, want)
	}
}

// rule is one, and whether it names its source.
type rule struct {
	name    string
	at      token.Pos
	sourced bool
}

// rulesOf is a package in which rules are looked for.
type rulesOf struct {
	files     *token.FileSet
	syntax    []*ast.File
	functions map[string][]*ast.FuncDecl
	tables    map[string]*ast.CompositeLit
	docs      map[*ast.CompositeLit]*ast.CommentGroup
	// named are the functions that tables name.
	named map[string]bool
}

func parseRules(t *testing.T, dir string) *rulesOf {
	t.Helper()
	p := &rulesOf{
		files: token.NewFileSet(), functions: map[string][]*ast.FuncDecl{}, tables: map[string]*ast.CompositeLit{},
		docs: map[*ast.CompositeLit]*ast.CommentGroup{}, named: map[string]bool{},
	}
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(p.files, name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		p.syntax = append(p.syntax, file)
		for _, d := range file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				p.functions[d.Name.Name] = append(p.functions[d.Name.Name], d)
			case *ast.GenDecl:
				p.collectTables(d)
			}
		}
	}
	return p
}

// collectTables finds the maps of a declaration, by the type of a resource.
func (p *rulesOf) collectTables(d *ast.GenDecl) {
	for _, spec := range d.Specs {
		values, is := spec.(*ast.ValueSpec)
		if !is {
			continue
		}
		for i, v := range values.Values {
			table, is := v.(*ast.CompositeLit)
			if !is || len(table.Elts) == 0 {
				continue
			}
			if entry, is := table.Elts[0].(*ast.KeyValueExpr); is && isType(entry.Key) {
				p.tables[values.Names[i].Name] = table
				p.docs[table] = cmp.Or(values.Doc, d.Doc)
			}
		}
	}
}

// isType reports whether an expression names a type of resources or of functions.
func isType(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return strings.HasSuffix(e.Name, "Type")
	case *ast.BasicLit:
		return e.Kind == token.STRING && strings.Count(e.Value, ":") == 2
	}
	return false
}

// rules are those that the roots reach, and those of all tables.
func (p *rulesOf) rules(roots []string) []rule {
	var found []rule
	for _, name := range slices.Sorted(maps.Keys(p.tables)) {
		found = append(found, p.entries(name)...)
	}
	for _, name := range p.reached(roots) {
		for _, f := range p.functions[name] {
			if f.Body == nil || receiver(f) == "look" || receiver(f) == "faults" {
				continue // the words that rules are written with
			}
			sourced := source.MatchString(f.Doc.Text())
			found = append(found, p.cases(f, sourced)...)
			if noRules[name] == "" && (p.named[name] || refuses(f.Body)) {
				found = append(found, rule{name, f.Pos(), sourced || p.comments(f.Body.Pos(), f.Body.End())})
			}
		}
	}
	return found
}

// entries are the rules of a table. What an entry only names is looked at by itself.
func (p *rulesOf) entries(name string) []rule {
	table := p.tables[name]
	if source.MatchString(p.docs[table].Text()) {
		return []rule{{name, table.Pos(), true}}
	}
	var found []rule
	// A comment behind an entry is that entry's; one before it is for those that follow, too.
	sourced, last := false, table.Lbrace
	for _, e := range table.Elts {
		entry, is := e.(*ast.KeyValueExpr)
		if !is {
			continue
		}
		end := p.endOfLine(entry.End())
		switch {
		case p.anyComment(last, entry.Pos(), func(*ast.CommentGroup) bool { return true }):
			sourced = p.comments(last, entry.Pos())
		case p.files.Position(entry.Pos()).Line > p.files.Position(last).Line+1:
			sourced = false
		}
		if _, named := p.functions[functionName(entry.Value)]; named {
			p.named[functionName(entry.Value)] = true
		} else {
			own := p.comments(entry.Pos(), end)
			found = append(found, rule{p.text(entry.Key) + " of " + name, entry.Pos(), sourced || own})
		}
		last = end
	}
	return found
}

// functionName is the function that an entry names: limitVPC, (*Cloud).placeSubnet.
func functionName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}

// cases are the cases of a function that depend on the type of a resource.
func (p *rulesOf) cases(f *ast.FuncDecl, sourced bool) []rule {
	var found []rule
	ast.Inspect(f.Body, func(n ast.Node) bool {
		s, is := n.(*ast.SwitchStmt)
		if !is {
			return true
		}
		for i, c := range s.Body.List {
			clause := c.(*ast.CaseClause)
			if len(clause.List) == 0 || !isType(clause.List[0]) {
				continue
			}
			end := s.Body.Rbrace
			if i+1 < len(s.Body.List) {
				end = s.Body.List[i+1].Pos()
			}
			own := p.comments(clause.Pos(), end)
			found = append(found, rule{"case " + p.text(clause.List[0]) + " of " + f.Name.Name, clause.Pos(), sourced ||
				own})
		}
		return true
	})
	return found
}

// reached are the functions that are called from the roots, and those that tables name, by name.
func (p *rulesOf) reached(roots []string) []string {
	seen := map[string]bool{}
	var visit func(n ast.Node)
	follow := func(name string) {
		if seen[name] {
			return
		}
		if functions, has := p.functions[name]; has {
			seen[name] = true
			for _, f := range functions {
				visit(f)
			}
		} else if table, has := p.tables[name]; has {
			seen[name] = true
			visit(table)
		}
	}
	visit = func(n ast.Node) {
		ast.Inspect(n, func(n ast.Node) bool {
			if id, is := n.(*ast.Ident); is {
				follow(id.Name)
			}
			return true
		})
	}
	for _, root := range roots {
		follow(root)
	}
	return slices.Sorted(maps.Keys(seen))
}

// refusing are the words that refuse an input.
var refusing = []string{"refuse", "oneOf", "between", "match", "length", "count", "exclusive", "required"}

// refuses reports whether a function refuses an input, or makes an error of its own.
func refuses(body *ast.BlockStmt) bool {
	found := false
	ast.Inspect(body, func(n ast.Node) bool {
		call, is := n.(*ast.CallExpr)
		if !is {
			return true
		}
		if s, is := call.Fun.(*ast.SelectorExpr); is {
			from := ""
			if id, is := s.X.(*ast.Ident); is {
				from = id.Name + "."
			}
			found = slices.Contains(refusing, s.Sel.Name) ||
				slices.Contains([]string{"errors.New", "fmt.Errorf"}, from+s.Sel.Name)
		}
		return !found
	})
	return found
}

func receiver(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return ""
	}
	of := f.Recv.List[0].Type
	if star, is := of.(*ast.StarExpr); is {
		of = star.X
	}
	id, _ := of.(*ast.Ident)
	if id == nil {
		return ""
	}
	return id.Name
}

// comments reports whether a comment within a part of the program names a source.
func (p *rulesOf) comments(from, to token.Pos) bool {
	return p.anyComment(from, to, func(c *ast.CommentGroup) bool { return source.MatchString(c.Text()) })
}

func (p *rulesOf) anyComment(from, to token.Pos, is func(*ast.CommentGroup) bool) bool {
	for _, file := range p.syntax {
		if file.Pos() > from || file.FileEnd < to {
			continue
		}
		for _, c := range file.Comments {
			if c.Pos() >= from && c.Pos() < to && is(c) {
				return true
			}
		}
	}
	return false
}

// endOfLine is where the line ends on which a position is.
func (p *rulesOf) endOfLine(at token.Pos) token.Pos {
	file := p.files.File(at)
	if line := file.Line(at); line < file.LineCount() {
		return file.LineStart(line+1) - 1
	}
	return at
}

func (p *rulesOf) text(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.BasicLit:
		return strings.Trim(e.Value, `"`)
	}
	return "?"
}
