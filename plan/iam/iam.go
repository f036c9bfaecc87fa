// Package iam reads IAM policy documents: of roles and resources, and of who may assume a role.
package iam

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Version is that of IAM's policy language. Without it documents have an older meaning.
const Version = "2012-10-17"

// Document is a policy document.
type Document struct {
	Version, ID string
	Statement   Statements
}

// Statements are those of a document, where one may stand without a list around it.
type Statements []Statement

// Statement is one statement of a document.
type Statement struct {
	Sid, Effect                              string
	Principal, NotPrincipal                  Principals
	Action, NotAction, Resource, NotResource Texts
	// Condition is operator → key → a value, or a list of them.
	Condition map[string]map[string]any
}

// Texts are texts, where one may stand without a list around it.
type Texts []string

// Principals are who a statement is about, by their kind: Service, AWS, Federated. Everyone is "*" of the kind "*".
type Principals map[string]Texts

// Parse reads a document. The error tells why it is none, as it does for a document with parts that IAM does not know
// or without a statement.
func Parse(text string) (Document, error) {
	var d Document
	if err := strict([]byte(text), &d); err != nil {
		return Document{}, fmt.Errorf("policy document: %w", err)
	}
	if len(d.Statement) == 0 {
		return Document{}, errors.New("policy document: it has no statement")
	}
	return d, nil
}

// UnmarshalJSON reads one statement or a list of them.
func (s *Statements) UnmarshalJSON(data []byte) error {
	if !bytes.HasPrefix(data, []byte("[")) {
		data = slices.Concat([]byte("["), data, []byte("]"))
	}
	return strict(data, (*[]Statement)(s))
}

// UnmarshalJSON reads a text or a list of texts.
func (t *Texts) UnmarshalJSON(data []byte) error {
	if bytes.HasPrefix(data, []byte(`"`)) {
		data = slices.Concat([]byte("["), data, []byte("]"))
	}
	if json.Unmarshal(data, (*[]string)(t)) != nil {
		return errors.New("neither a text nor a list of texts")
	}
	return nil
}

// UnmarshalJSON reads principals by their kind, or the one text that means everyone.
func (p *Principals) UnmarshalJSON(data []byte) error {
	if bytes.HasPrefix(data, []byte(`"`)) {
		data = slices.Concat([]byte(`{"*":`), data, []byte("}"))
	}
	return json.Unmarshal(data, (*map[string]Texts)(p))
}

// strict reads one JSON value and refuses what the type does not know.
func strict(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more than one value")
	}
	return nil
}

// Allows reports whether the statement allows rather than denies.
func (s Statement) Allows() bool { return s.Effect == "Allow" }

// MayAllow reports whether the statement allows an action on a resource, whatever its conditions.
func (s Statement) MayAllow(action, resource string) bool {
	return s.Allows() && slices.ContainsFunc(s.Action, func(a string) bool { return Covers(a, action) }) &&
		slices.ContainsFunc(s.Resource, func(r string) bool { return Covers(r, resource) })
}

// Conditions are the statement's conditions as compact JSON with sorted keys; empty for none.
func (s Statement) Conditions() string {
	if len(s.Condition) == 0 {
		return ""
	}
	// What means the same is written the same
	// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html).
	conditions := map[string]map[string]any{}
	for operator, keys := range s.Condition {
		same := operator
		if like, is := strings.CutSuffix(operator, "ArnLike"); is {
			same = like + "ArnEquals"
		}
		if like, is := strings.CutSuffix(operator, "StringLike"); is && !wild(keys) {
			same = like + "StringEquals"
		}
		if same != operator && !overlap(keys, s.Condition[same]) { // else both have to hold
			operator = same
		}
		if conditions[operator] == nil {
			conditions[operator] = map[string]any{}
		}
		maps.Copy(conditions[operator], keys)
	}
	text, err := json.Marshal(conditions)
	if err != nil {
		panic("iam: " + err.Error()) // it was read from JSON
	}
	return string(text)
}

// overlap reports whether two operators ask for the same key.
func overlap(a, b map[string]any) bool {
	for key := range a {
		if _, is := b[key]; is {
			return true
		}
	}
	return false
}

// wild reports whether one of the values has a wildcard, or a variable, whose value may have one.
func wild(keys map[string]any) bool {
	text, err := json.Marshal(keys)
	return err != nil || bytes.ContainsAny(text, "*?$")
}

// Everyone reports whether all of AWS are among the principals.
func (p Principals) Everyone() bool { return p.any(func(name string) bool { return name == "*" }) }

// Account reports whether a whole account is among the principals.
func (p Principals) Account() bool {
	return p.any(func(name string) bool { return strings.HasSuffix(name, ":root") })
}

func (p Principals) any(is func(name string) bool) bool {
	for _, names := range p {
		if slices.ContainsFunc(names, is) {
			return true
		}
	}
	return false
}

// Covers reports whether a pattern of IAM's, with * and ?, matches all that another matches. It may say no where only
// the shape of neighboring wildcards differs.
func Covers(pattern, other string) bool {
	return match(pattern, other, func(p, o byte) bool { return o != '*' && (p == '?' || p == o && o != '?') }, false)
}

// Overlap reports whether there is something that both patterns match.
func Overlap(a, b string) bool {
	return match(a, b, func(p, o byte) bool { return p == '?' || o == '?' || p == o }, true)
}

// match walks two patterns side by side. A star in the first matches any run of the second; where both is set, also the
// other way.
func match(a, b string, same func(a, b byte) bool, both bool) bool {
	// possible[j]: the rest of a, from the present i, can match b[j:].
	possible := make([]bool, len(b)+1)
	for i := len(a); i >= 0; i-- {
		next := possible // those of i+1
		possible = make([]bool, len(b)+1)
		for j := len(b); j >= 0; j-- {
			star := both && j < len(b) && b[j] == '*'
			switch {
			case i == len(a):
				possible[j] = j == len(b) || star && possible[j+1]
			case a[i] == '*':
				possible[j] = next[j] || j < len(b) && possible[j+1]
			case star:
				possible[j] = possible[j+1] || next[j]
			case j < len(b):
				possible[j] = same(a[i], b[j]) && next[j+1]
			}
		}
	}
	return possible[0]
}
