// Command outputs writes the table of the texts that AWS adds to a resource of each type: its ARN, its address, and the
// name where the program gives none. A program whose plan is made gets something in their place for every type, so
// that what it makes of them differs where the resource is another one. "go generate" in the folder of package awsmodel
// runs it, "make generate" runs that.
//
//	outputs <file to write>
//
// It reads the source of the Pulumi SDK in go.mod: an output that is a text and no input is added, and so is one called
// name that is always there although the program may leave it out.
package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

const sdk = "github.com/pulumi/pulumi-aws/sdk/v6"

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: outputs <file to write>")
		os.Exit(2)
	}
	table, err := generate()
	if err == nil {
		err = os.WriteFile(os.Args[1], table, 0o644)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "outputs: %v\n", err)
		os.Exit(1)
	}
}

func generate() ([]byte, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}} {{.Version}}", sdk).Output()
	if err != nil {
		return nil, fmt.Errorf("looking for the Pulumi SDK: %w", err)
	}
	dir, version, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
	found := map[string][]string{}
	err = filepath.WalkDir(filepath.Join(dir, "go", "aws"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".go" {
			return err
		}
		return read(path, found)
	})
	if err != nil {
		return nil, fmt.Errorf("reading the Pulumi SDK: %w", err)
	}
	if len(found) < 1000 {
		return nil, fmt.Errorf("the Pulumi SDK at %s has %d types: is its code another by now?", dir, len(found))
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Written by \"go generate\" from %s %s; do not edit.\n", sdk, version)
	for _, token := range slices.Sorted(maps.Keys(found)) {
		fmt.Fprintf(&b, "%s %s\n", token, strings.Join(found[token], " "))
	}
	return b.Bytes(), nil
}

// read adds the outputs of the resource that a file of the SDK declares, if it does.
func read(path string, found map[string][]string) error {
	text, err := os.ReadFile(path)
	if err != nil || !bytes.Contains(text, []byte("ctx.RegisterResource(")) {
		return err
	}
	file, err := parser.ParseFile(token.NewFileSet(), path, text, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	structs, resource := map[string]*ast.StructType{}, ""
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.TypeSpec:
			if s, is := n.Type.(*ast.StructType); is {
				structs[n.Name.Name] = s
			}
		case *ast.CallExpr:
			of, is := n.Fun.(*ast.SelectorExpr)
			if !is || of.Sel.Name != "RegisterResource" || len(n.Args) == 0 {
				return true
			}
			if literal, is := n.Args[0].(*ast.BasicLit); is {
				resource, _ = strconv.Unquote(literal.Value)
			}
		}
		return true
	})
	kind := resource[strings.LastIndexByte(resource, ':')+1:]
	inputs := fields(structs[strings.ToLower(kind[:min(1, len(kind))])+kind[min(1, len(kind)):]+"Args"])
	if structs[kind] == nil {
		return nil
	}
	for name, is := range fields(structs[kind]) {
		given, input := inputs[name]
		if is == "pulumi.StringOutput" && (!input || name == "name" && given == "*string") {
			found[resource] = append(found[resource], name)
		}
	}
	slices.Sort(found[resource])
	return nil
}

// fields are the types of a struct's fields, by the names that Pulumi has for them.
func fields(s *ast.StructType) map[string]string {
	found := map[string]string{}
	if s == nil {
		return found
	}
	for _, field := range s.Fields.List {
		if field.Tag == nil {
			continue
		}
		tag, err := strconv.Unquote(field.Tag.Value)
		if err != nil {
			continue
		}
		if name := reflect.StructTag(tag).Get("pulumi"); name != "" {
			found[name] = typeText(field.Type)
		}
	}
	return found
}

func typeText(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.StarExpr:
		return "*" + typeText(e.X)
	case *ast.SelectorExpr:
		return typeText(e.X) + "." + e.Sel.Name
	}
	return ""
}
