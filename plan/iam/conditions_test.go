package iam

import "testing"

// TestConditions: operators of one meaning are written as one, unless both ask for the same key.
func TestConditions(t *testing.T) {
	type conditions = map[string]map[string]any
	for _, c := range []struct {
		name string
		of   conditions
		want string
	}{
		{"an ARN", conditions{"ArnLike": {"k": "a*"}}, `{"ArnEquals":{"k":"a*"}}`},
		{"a text", conditions{"StringLike": {"k": "a"}}, `{"StringEquals":{"k":"a"}}`},
		{"a pattern", conditions{"StringLike": {"k": "a*"}}, `{"StringLike":{"k":"a*"}}`},
		{"other keys", conditions{"StringLike": {"k": "a"}, "StringEquals": {"l": "b"}},
			`{"StringEquals":{"k":"a","l":"b"}}`},
		{"both", conditions{"StringLike": {"k": "a"}, "StringEquals": {"k": "b"}},
			`{"StringEquals":{"k":"b"},"StringLike":{"k":"a"}}`},
		{"both ARNs", conditions{"ArnLike": {"k": "a*"}, "ArnEquals": {"k": "*b"}},
			`{"ArnEquals":{"k":"*b"},"ArnLike":{"k":"a*"}}`},
	} {
		if got := (Statement{Condition: c.of}).Conditions(); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}
