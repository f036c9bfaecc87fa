package awsmodel

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"slices"
	"strconv"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// policyDocument writes a policy as the provider does
// (https://registry.terraform.io/providers/hashicorp/aws/5.100.0/docs/data-sources/iam_policy_document).
func policyDocument(args resource.PropertyMap) (resource.PropertyMap, error) {
	version := Text(args["version"])
	if version == "" {
		version = "2012-10-17"
	}
	var statements []map[string]any
	merge := func(key string, statement map[string]any) {
		if sid := statement["Sid"]; sid != nil && sid != "" {
			if i := slices.IndexFunc(statements, func(s map[string]any) bool { return s["Sid"] == sid }); i >= 0 {
				if key != "sourcePolicyDocuments" {
					statements[i] = statement
				}
				return
			}
		}
		statements = append(statements, statement)
	}
	documents := func(key string) error {
		for _, text := range texts(args[resource.PropertyKey(key)]) {
			var document struct{ Statement json.RawMessage }
			if err := json.Unmarshal([]byte(text), &document); err != nil {
				return fmt.Errorf("reading %s of a policy document: %w", key, err)
			}
			var list []map[string]any
			if json.Unmarshal(document.Statement, &list) != nil {
				list = []map[string]any{{}}
				if err := json.Unmarshal(document.Statement, &list[0]); err != nil {
					return fmt.Errorf("reading %s of a policy document: %w", key, err)
				}
			}
			for _, statement := range list {
				merge(key, statement)
			}
		}
		return nil
	}
	if err := documents("sourcePolicyDocuments"); err != nil {
		return nil, err
	}
	for _, v := range list(args["statements"]) {
		merge("statements", policyStatement(Plain(v)))
	}
	if err := documents("overridePolicyDocuments"); err != nil {
		return nil, err
	}
	document := map[string]any{"Version": version, "Statement": statements}
	if id := Text(args["policyId"]); id != "" {
		document["Id"] = id
	}
	full, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		return nil, err
	}
	var small bytes.Buffer
	if err := json.Compact(&small, full); err != nil {
		return nil, err
	}
	out := args.Copy()
	out["json"], out["minifiedJson"] = resource.NewProperty(string(full)), resource.NewProperty(small.String())
	out["id"] = resource.NewProperty(strconv.FormatUint(uint64(crc32.ChecksumIEEE(full)), 10))
	return out, nil
}

// policyStatement is one statement of a policy document.
func policyStatement(v resource.PropertyValue) map[string]any {
	if !v.IsObject() {
		return map[string]any{}
	}
	in, statement := v.ObjectValue(), map[string]any{"Effect": "Allow"}
	if effect := Text(in["effect"]); effect != "" {
		statement["Effect"] = effect
	}
	if sid := Text(in["sid"]); sid != "" {
		statement["Sid"] = sid
	}
	for key, name := range map[resource.PropertyKey]string{"actions": "Action", "notActions": "NotAction",
		"resources": "Resource", "notResources": "NotResource"} {
		if values := texts(in[key]); len(values) > 0 {
			statement[name] = oneOrMore(values)
		}
	}
	for key, name := range map[resource.PropertyKey]string{"principals": "Principal", "notPrincipals": "NotPrincipal"} {
		principals := map[string][]string{}
		for _, e := range list(in[key]) {
			if e = Plain(e); e.IsObject() {
				kind := Text(e.ObjectValue()["type"])
				principals[kind] = append(principals[kind], texts(e.ObjectValue()["identifiers"])...)
			}
		}
		switch {
		case len(principals) == 0:
		case len(principals) == 1 && slices.Equal(principals["*"], []string{"*"}):
			statement[name] = "*"
		default:
			named := map[string]any{}
			for kind, identifiers := range principals {
				named[kind] = oneOrMore(identifiers)
			}
			statement[name] = named
		}
	}
	conditions := map[string]map[string]any{}
	for _, e := range list(in["conditions"]) {
		if e = Plain(e); e.IsObject() {
			test := Text(e.ObjectValue()["test"])
			if conditions[test] == nil {
				conditions[test] = map[string]any{}
			}
			conditions[test][Text(e.ObjectValue()["variable"])] = oneOrMore(texts(e.ObjectValue()["values"]))
		}
	}
	if len(conditions) > 0 {
		statement["Condition"] = conditions
	}
	return statement
}

func oneOrMore(values []string) any {
	if len(values) == 1 {
		return values[0]
	}
	values = slices.Clone(values)
	slices.Sort(values)
	return values
}

// list are the elements of a value that is a list.
func list(v resource.PropertyValue) []resource.PropertyValue {
	if v = Plain(v); v.IsArray() {
		return v.ArrayValue()
	}
	return nil
}

// texts are the texts of a value that is a list of them.
func texts(v resource.PropertyValue) []string {
	var found []string
	for _, e := range list(v) {
		found = append(found, Text(e))
	}
	return found
}
