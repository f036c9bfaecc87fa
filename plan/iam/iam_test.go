package iam

import (
	"reflect"
	"strings"
	"testing"
)

// IAM takes one statement, one text and one principal without a list around them.
func TestParse(t *testing.T) {
	for text, want := range map[string]Statement{
		`{"Effect":"Allow","Action":"a:b","Resource":"*"}`: {Effect: "Allow", Action: Texts{"a:b"},
			Resource: Texts{"*"}},
		`[{"Effect":"Deny","NotAction":["a:b","a:c"],"NotResource":["x"],"Principal":"*"}]`: {Effect: "Deny",
			NotAction: Texts{"a:b", "a:c"}, NotResource: Texts{"x"}, Principal: Principals{"*": {"*"}}},
		`[{"Effect":"Allow","Action":"a:b","Principal":{"Service":"ec2.amazonaws.com","AWS":["x","y"]}}]`: {
			Effect: "Allow",
			Action: Texts{"a:b"}, Principal: Principals{"Service": {"ec2.amazonaws.com"}, "AWS": {"x", "y"}}},
		`[{"Sid":"A","Effect":"Allow","Condition":{"Bool":{"b":"x","a":["y"]}}}]`: {Sid: "A", Effect: "Allow",
			Condition: map[string]map[string]any{"Bool": {"b": "x", "a": []any{"y"}}}},
	} {
		d, err := Parse(`{"Version":"2012-10-17","Statement":` + text + `}`)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if d.Version != Version || len(d.Statement) != 1 || !reflect.DeepEqual(d.Statement[0], want) {
			t.Errorf("%s is read as %+v, want %+v", text, d, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		`x`:                                "invalid character",
		`{"Statement":[]}`:                 "no statement",
		`{}`:                               "no statement",
		`{"Statement":[{"Efect":"Deny"}]}`: "Efect",
		`{"Statement":[{"Action":1}]}`:     "neither a text nor a list of texts",
		`{"Statement":[{}]}{}`:             "more than one value",
		`{"Statments":[{}]}`:               "Statments",
	} {
		if _, err := Parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: the error is %v, want %q in it", text, err, want)
		}
	}
}

func TestPrincipals(t *testing.T) {
	for _, c := range []struct {
		of                Principals
		everyone, account bool
	}{
		{Principals{"*": {"*"}}, true, false},
		{Principals{"AWS": {"arn:aws:iam::123456789012:role/x", "*"}}, true, false},
		{Principals{"AWS": {"arn:aws:iam::123456789012:root"}}, false, true},
		{Principals{"Service": {"ec2.amazonaws.com"}}, false, false},
		{nil, false, false},
	} {
		if everyone, account := c.of.Everyone(), c.of.Account(); everyone != c.everyone || account != c.account {
			t.Errorf("%v: everyone %t, account %t", c.of, everyone, account)
		}
	}
}

func TestStatement(t *testing.T) {
	s := Statement{Effect: "Allow", Action: Texts{"s3:Get*"}, Resource: Texts{"arn:aws:s3:::b/*"},
		Condition: map[string]map[string]any{"Bool": {"b": "x", "a": []any{"y"}}}}
	if got, want := s.Conditions(), `{"Bool":{"a":["y"],"b":"x"}}`; got != want {
		t.Errorf("the condition is %s, want %s", got, want)
	}
	if !s.MayAllow("s3:GetObject", "arn:aws:s3:::b/x") || s.MayAllow("s3:PutObject", "arn:aws:s3:::b/x") ||
		s.MayAllow("s3:GetObject", "arn:aws:s3:::c/x") {
		t.Errorf("%+v allows something else", s)
	}
	if s.Effect = "Deny"; s.MayAllow("s3:GetObject", "arn:aws:s3:::b/x") {
		t.Error("what is denied is allowed")
	}
}

func TestPatterns(t *testing.T) {
	for _, c := range []struct {
		a, b             string
		covers, overlaps bool
	}{
		{"a", "a", true, true},
		{"a", "b", false, false},
		{"a", "aa", false, false},
		{"*", "", true, true},
		{"*", "a/b:c", true, true},
		{"a*", "a*", true, true},
		{"a*", "ab*", true, true},
		{"ab*", "a*", false, true},
		{"a*c", "ab*", false, true},
		{"a*c", "abxc", true, true},
		{"a*c", "abxd", false, false},
		{"a?c", "abc", true, true},
		{"a?c", "a?c", true, true},
		{"abc", "a?c", false, true},
		{"a?c", "a*c", false, true},
		{"a?", "a", false, false},
		{"*a*", "b*", false, true},
		{"a*", "b*", false, false},
		{"*a", "*b", false, false},
	} {
		if got := Covers(c.a, c.b); got != c.covers {
			t.Errorf("%q covers %q: %t", c.a, c.b, got)
		}
		if got := Overlap(c.a, c.b); got != c.overlaps {
			t.Errorf("%q overlaps %q: %t", c.a, c.b, got)
		}
		if got := Overlap(c.b, c.a); got != c.overlaps {
			t.Errorf("%q overlaps %q: %t", c.b, c.a, got)
		}
	}
}
