package plan

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"dossier.example/plan/graph"
)

// gateway begins what only API Gateway reads of a definition
// (https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions.html).
const gateway = "x-amazon-apigateway-"

// definition is an API of a gateway as its OpenAPI document defines it; false: it cannot be read.
func definition(body any) (map[string]any, bool) {
	var d map[string]any
	if text := graph.Text(body); text == "" || yaml.Unmarshal([]byte(text), &d) != nil || d == nil {
		return nil, false
	}
	return d, true
}

// operations are those of an API's definition by what is called: GET /a. Those that browsers ask whether they may call
// another one are none.
func apiOperations(d map[string]any) map[string]map[string]any {
	found := map[string]map[string]any{}
	paths, _ := d["paths"].(map[string]any)
	for path, methods := range paths {
		m, _ := methods.(map[string]any)
		for method, v := range m {
			operation, is := v.(map[string]any)
			method = strings.ToUpper(strings.TrimPrefix(method, gateway))
			if method = strings.TrimSuffix(method, "-METHOD"); is && slices.Contains([]string{"ANY", "DELETE", "GET",
				"HEAD", "PATCH", "POST", "PUT"}, method) {
				found[method+" "+path] = operation
			}
		}
	}
	return found
}

// schemes are the ways by which an API's definition knows its callers.
func schemes(d map[string]any) map[string]any {
	found, _ := d["securityDefinitions"].(map[string]any)
	if components, is := d["components"].(map[string]any); is {
		found, _ = components["securitySchemes"].(map[string]any)
	}
	return found
}

// anyone reports whether everyone can call an operation: of a scheme, API Gateway asks only where it has an authorizer,
// is of IAM, or asks for a key. What the whole document asks for counts for HTTP APIs alone
// (https://github.com/amazon-archives/aws-apigateway-importer/issues/204).
func anyone(d, operation map[string]any, rest bool) bool {
	asked, is := operation["security"].([]any)
	if !is && !rest {
		asked, _ = d["security"].([]any)
	}
	if graph.At(operation, gateway+"auth") != nil {
		return graph.Text(graph.At(operation, gateway+"auth.type")) == "NONE"
	}
	for _, requirement := range asked {
		names, _ := requirement.(map[string]any)
		for name := range names {
			scheme, known := schemes(d)[name].(map[string]any)
			if !known || scheme[gateway+"authorizer"] != nil || scheme[gateway+"authtype"] != nil ||
				scheme["type"] == "apiKey" {
				return false
			}
		}
	}
	return true
}

// openedOperations judges the operations that everyone can call from now on, and closedOperations those that are gone
// or ask who calls.
func openedOperations(rest bool) judge {
	return func(old, now any) string {
		was, _ := definition(old)
		is, _ := definition(now)
		before, found := apiOperations(was), []string{}
		for name, operation := range apiOperations(is) {
			if anyone(is, operation, rest) && (before[name] == nil || !anyone(was, before[name], rest)) {
				found = append(found, code(name))
			}
		}
		slices.Sort(found)
		return told("everyone can call %s", few(found))
	}
}

func closedOperations(rest bool) judge {
	return func(old, now any) string {
		was, readBefore := definition(old)
		is, read := definition(now)
		after, gone, guarded, elsewhere := apiOperations(is), []string{}, []string{}, []string{}
		for name, operation := range apiOperations(was) {
			const target = gateway + "integration"
			switch {
			case after[name] == nil:
				gone = append(gone, code(name))
			case anyone(was, operation, rest) && !anyone(is, after[name], rest):
				guarded = append(guarded, code(name))
			case !reflect.DeepEqual(operation[target], after[name][target]):
				elsewhere = append(elsewhere, code(name))
			}
		}
		for _, list := range [][]string{gone, guarded, elsewhere} {
			slices.Sort(list)
		}
		if !readBefore || !read {
			return ""
		}
		return strings.Join(slices.DeleteFunc([]string{told("%s is no longer served", few(gone)),
			told("callers of %s have to say who they are", few(guarded)),
			told("requests of %s go elsewhere, or another way", few(elsewhere))},
			func(text string) bool { return text == "" }), "; ")
	}
}

// otherAuthorizers judges by whom an API's callers are let in.
func otherAuthorizers(old, now any) string {
	was, _ := definition(old)
	is, _ := definition(now)
	before, after, found := schemes(was), schemes(is), []string{}
	for name, scheme := range before {
		if after[name] != nil && !reflect.DeepEqual(scheme, after[name]) {
			found = append(found, code(name))
		}
	}
	slices.Sort(found)
	return told("callers are let in by another authorizer, or another way: %s", few(found))
}

// unreadDefinition judges what of an API's definition nothing else judges.
func unreadDefinition(old, now any) string {
	was, readBefore := definition(old)
	is, read := definition(now)
	switch {
	case now != nil && !read:
		return "its definition cannot be read here, and so not whom it lets in"
	case old == nil || !readBefore || now == nil:
		return ""
	}
	rest := func(d map[string]any) map[string]any {
		left := map[string]any{}
		for key, v := range d {
			if strings.HasPrefix(key, gateway) && key != gateway+"policy" {
				left[key] = v
			}
		}
		for name, operation := range apiOperations(d) {
			for key, v := range operation {
				if strings.HasPrefix(key, gateway) && key != gateway+"integration" && key != gateway+"auth" {
					left[name+" "+key] = v
				}
			}
		}
		return left
	}
	before, after := rest(was), rest(is)
	differ := maps.Clone(before)
	maps.Copy(differ, after)
	maps.DeleteFunc(differ, func(key string, _ any) bool { return reflect.DeepEqual(before[key], after[key]) })
	return told("nothing here judges what changes in %s", few(without(slices.Sorted(maps.Keys(differ)), nil)))
}

// policyOf is the policy within the definition of an API, as a text; nil where there is none.
func policyOf(r *graph.Resource) any {
	if r.Token != restAPIType {
		return nil
	}
	d, _ := definition(r.Input("body"))
	policy := d[gateway+"policy"]
	if text, is := policy.(string); is || policy == nil {
		return unset(text)
	}
	text, err := json.Marshal(policy)
	if err != nil {
		return fmt.Sprint(policy)
	}
	return string(text)
}
