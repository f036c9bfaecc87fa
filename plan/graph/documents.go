package graph

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// documentKeys are the inputs of AWS's resources that take a policy as a text of JSON, or as an object, which the
// provider then writes as one.
var documentKeys = []resource.PropertyKey{"accessPolicies", "assumeRolePolicy", "policy", "policyDocument"}

// documents returns inputs in which policies are texts, as for a provider.
func documents(token string, inputs resource.PropertyMap) (resource.PropertyMap, error) {
	if !strings.HasPrefix(token, "aws:") {
		return inputs, nil
	}
	written := inputs
	for key, v := range inputs {
		if !slices.Contains(documentKeys, key) {
			continue
		}
		var text resource.PropertyValue
		open := opened(v)
		switch {
		case !open.IsObject():
			continue
		case v.ContainsUnknowns():
			text = resource.MakeComputed(resource.NewProperty(""))
		default:
			raw, err := json.Marshal(open.Mappable()) // with sorted keys
			if err != nil {
				return nil, fmt.Errorf("writing %s as JSON: %w", key, err)
			}
			if text = resource.NewProperty(string(raw)); v.ContainsSecrets() {
				text = resource.MakeSecret(text)
			}
		}
		written = written.Copy()
		written[key] = text
	}
	return written, nil
}

// opened is a value in which nothing is marked as secret, and outputs are what they hold.
func opened(v resource.PropertyValue) resource.PropertyValue {
	switch {
	case v.IsSecret():
		return opened(v.SecretValue().Element)
	case v.IsOutput():
		return opened(v.OutputValue().Element)
	case v.IsArray():
		list := make([]resource.PropertyValue, len(v.ArrayValue()))
		for i, e := range v.ArrayValue() {
			list[i] = opened(e)
		}
		return resource.NewProperty(list)
	case v.IsObject():
		object := resource.PropertyMap{}
		for key, e := range v.ObjectValue() {
			object[key] = opened(e)
		}
		return resource.NewProperty(object)
	}
	return v
}
