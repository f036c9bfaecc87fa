package main

import (
	"go/ast"
	"strings"
)

// framework reads a method that fills in a schema of the framework.
func (p *pkg) framework(f *ast.FuncDecl) *resource {
	var body *ast.CompositeLit
	s := &scope{pkg: p, function: f}
	ast.Inspect(f.Body, func(n ast.Node) bool {
		if lit, is := n.(*ast.CompositeLit); is && body == nil && selected(lit.Type) == "schema.Schema" {
			body = lit
		}
		return body == nil
	})
	if body == nil {
		return nil
	}
	return &resource{arguments: s.attributes(body, 0)}
}

// attributes are the arguments of a schema, a block or an object of the framework.
func (s *scope) attributes(body *ast.CompositeLit, depth int) []*argument {
	var found []*argument
	for _, part := range []string{"Attributes", "Blocks"} {
		e := field(body, part)
		if e == nil {
			continue
		}
		v, in := s.resolve(e)
		m, is := v.(*ast.CompositeLit)
		if !is {
			found = append(found, &argument{name: "*", opaque: true})
			continue
		}
		for _, element := range m.Elts {
			kv, is := element.(*ast.KeyValueExpr)
			if !is {
				continue
			}
			if name := in.text(kv.Key); name == "" {
				found = append(found, &argument{name: "*", opaque: true})
			} else if name != "timeouts" {
				found = append(found, in.attribute(name, kv.Value, depth))
			}
		}
	}
	return found
}

// attribute reads one of the framework.
func (s *scope) attribute(name string, e ast.Expr, depth int) *argument {
	a := &argument{name: name, settable: true, whole: true}
	v, in := s.resolve(e)
	lit, is := v.(*ast.CompositeLit)
	if !is {
		call, isCall := v.(*ast.CallExpr)
		if isCall && (strings.HasSuffix(selected(call.Fun), "ComputedOnly") || strings.HasSuffix(selected(call.Fun),
			"IDAttribute")) {
			a.settable = false
		} else if !isCall || !strings.HasSuffix(selected(call.Fun), "TagsAttribute") {
			a.opaque = true
		}
		return a
	}
	block := strings.HasSuffix(selected(lit.Type), "Block")
	a.settable = block || called(field(lit, "Optional"), "true") || called(field(lit, "Required"), "true")
	if modifiers := field(lit, "PlanModifiers"); modifiers != nil {
		ast.Inspect(modifiers, func(n ast.Node) bool {
			if sel, is := n.(*ast.SelectorExpr); is {
				switch {
				case sel.Sel.Name == "RequiresReplace":
					a.replaces = true
				case strings.HasPrefix(sel.Sel.Name, "RequiresReplaceIf"):
					a.mayReplace = true
				}
			}
			return true
		})
	}
	if depth >= deepest {
		return a
	}
	if object := field(lit, "NestedObject"); object != nil {
		if inner, at := in.resolve(object); inner != nil {
			if body, is := inner.(*ast.CompositeLit); is {
				a.nested = at.attributes(body, depth+1)
			}
		}
	} else {
		a.nested = in.attributes(lit, depth+1)
	}
	return a
}
