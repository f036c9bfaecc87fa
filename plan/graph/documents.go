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
		document, is := open(v).(map[string]any)
		switch {
		case !is:
			continue
		case v.ContainsUnknowns():
			text = resource.MakeComputed(resource.NewProperty(""))
		default:
			raw, err := json.Marshal(document) // with sorted keys
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
