package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// An input is one of a type of the SDK, with those that it has itself.
type input struct {
	name string
	// kind is its type in Go.
	kind string
	// of is the type of its own inputs; empty for none.
	of string
	// unset is what the SDK's comment says that holds where nothing is given; empty: it says nothing, or no one value.
	unset string
}

// An sdk is what the Pulumi SDK declares.
type sdk struct {
	// types are the inputs by token.
	types map[string][]input
	// outputs are what a resource has, by token: its inputs, and what AWS adds.
	outputs map[string][]input
	// objects are the inputs of the types within a package, by package and type.
	objects map[string]map[string][]input
}

var (
	registered = regexp.MustCompile(`^\tcase "(aws:[A-Za-z0-9/]+:[A-Za-z0-9]+)":`)
	opened     = regexp.MustCompile(`^type ([A-Za-z0-9]+) struct {`)
	member     = regexp.MustCompile("^\t[A-Za-z0-9]+ +([^ ]+) +`pulumi:\"([A-Za-z0-9]+)\"`")
)

// declared reads the SDK's Go source.
func declared(dir string) (*sdk, error) {
	s := &sdk{types: map[string][]input{}, outputs: map[string][]input{},
		objects: map[string]map[string][]input{}}
	inits, err := filepath.Glob(filepath.Join(dir, "*", "init.go"))
	if err != nil {
		return nil, err
	}
	for _, init := range inits {
		folder := filepath.Dir(init)
		structs := map[string][]input{}
		files, err := filepath.Glob(filepath.Join(folder, "*.go"))
		if err != nil {
			return nil, err
		}
		var tokens []string
		for _, file := range files {
			if strings.HasPrefix(filepath.Base(file), "get") {
				continue
			}
			more, err := structures(file, structs)
			if err != nil {
				return nil, fmt.Errorf("reading the SDK: %w", err)
			}
			tokens = append(tokens, more...)
		}
		for _, token := range tokens {
			kind := token[strings.LastIndexByte(token, ':')+1:]
			for name, inputs := range structs {
				// Of the two structs of arguments, that with plain types has the names.
				if strings.EqualFold(name, kind+"Args") && unicode.IsLower(rune(name[0])) {
					s.types[token] = inputs
				}
			}
			s.outputs[token] = structs[kind]
			module, _, _ := strings.Cut(strings.TrimPrefix(token, "aws:"), "/")
			if s.objects[module] == nil {
				s.objects[module] = structs
			}
		}
	}
	return s, nil
}

// structures adds the structs of a file, and returns the tokens that it registers.
func structures(name string, structs map[string][]input) ([]string, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var tokens []string
	current, comment := "", ""
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		line := lines.Text()
		if m := registered.FindStringSubmatch(line); m != nil {
			tokens = append(tokens, m[1])
		}
		if m := opened.FindStringSubmatch(line); m != nil {
			current = m[1]
			structs[current] = []input{}
		} else if line == "}" {
			current = ""
		}
		if m := member.FindStringSubmatch(line); m != nil && current != "" {
			of := strings.TrimLeft(m[1], "*[]")
			if strings.HasPrefix(of, "map[string]") {
				of = strings.TrimLeft(strings.TrimPrefix(of, "map[string]"), "*[]")
			}
			if strings.Contains(of, ".") || unicode.IsLower(rune(of[0])) {
				of = ""
			}
			structs[current] = append(structs[current], input{m[2], m[1], of, unset(comment, m[1])})
			comment = ""
		}
		if text, is := strings.CutPrefix(line, "\t// "); is {
			comment += text + "\n"
		} else {
			comment = ""
		}
	}
	return tokens, lines.Err()
}

// folded is a name without case, underscores and plural.
func folded(name string) string {
	if known, is := foldings[name]; is {
		return known
	}
	foldings[name] = fold(name)
	return foldings[name]
}

// foldings are the names that were folded: each is asked for many times.
var foldings = map[string]string{}

func fold(name string) string {
	name = strings.ToLower(strings.ReplaceAll(name, "_", ""))
	for suffix, stem := range map[string]string{"ies": "y", "sses": "ss", "xes": "x", "ches": "ch", "shes": "sh"} {
		if cut, is := strings.CutSuffix(name, suffix); is {
			return cut + stem
		}
	}
	if strings.HasSuffix(name, "ss") || strings.HasSuffix(name, "us") || strings.HasSuffix(name, "is") {
		return name
	}
	return strings.TrimSuffix(name, "s")
}

// named finds the argument of an input.
func named(arguments []*argument, name, other string) *argument {
	if other != "" {
		if i := slices.IndexFunc(arguments, func(a *argument) bool { return a.name == other }); i >= 0 {
			return arguments[i]
		}
		return nil
	}
	for _, same := range []func(string) bool{
		func(argument string) bool { return camel(argument) == name },
		func(argument string) bool { return shortened[name] == argument },
		func(argument string) bool { return folded(argument) == folded(name) },
	} {
		if i := slices.IndexFunc(arguments, func(a *argument) bool { return same(a.name) }); i >= 0 {
			return arguments[i]
		}
	}
	return nil
}

func camel(name string) string {
	var b strings.Builder
	upper := false
	for _, r := range name {
		switch {
		case r == '_':
			upper = true
		case upper:
			b.WriteRune(unicode.ToUpper(r))
			upper = false
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
