package engine

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"

	"dossier.example/plan/internal/awsmodel"
)

// faults are the reasons to refuse inputs, each at a property.
type faults []*pulumirpc.CheckFailure

func (f *faults) add(at, format string, args ...any) {
	*f = append(*f, &pulumirpc.CheckFailure{Property: at, Reason: at + " " + fmt.Sprintf(format, args...)})
}

// look reads one object of inputs and refuses what is wrong in it. What is not known yet, at a preview, is right.
type look struct {
	at     string
	in     resource.PropertyMap
	faults *faults
}

func (l look) refuse(key, format string, args ...any) { l.faults.add(join(l.at, key), format, args...) }

func (l look) value(key string) resource.PropertyValue {
	return awsmodel.Plain(l.in[resource.PropertyKey(key)])
}

// given reports whether the input is there, known or not.
func (l look) given(key string) bool { return !l.value(key).IsNull() }

// text is an input's text; false when it is absent or not known.
func (l look) text(key string) (string, bool) {
	v := l.value(key)
	if v.IsString() {
		return v.StringValue(), true
	}
	return "", false
}

func (l look) number(key string) (float64, bool) {
	v := l.value(key)
	if v.IsNumber() {
		return v.NumberValue(), true
	}
	return 0, false
}

// flag is an input's truth; false when it is absent or not known.
func (l look) flag(key string) bool {
	v := l.value(key)
	return v.IsBool() && v.BoolValue()
}

// texts are the known texts of a list.
func (l look) texts(key string) []string {
	var found []string
	for _, v := range l.list(key) {
		if v = awsmodel.Plain(v); v.IsString() {
			found = append(found, v.StringValue())
		}
	}
	return found
}

func (l look) list(key string) []resource.PropertyValue {
	if v := l.value(key); v.IsArray() {
		return v.ArrayValue()
	}
	return nil
}

// object looks into an object; false when it is absent or not known.
func (l look) object(key string) (look, bool) {
	v := l.value(key)
	if !v.IsObject() {
		return look{faults: l.faults}, false
	}
	return look{at: join(l.at, key), in: v.ObjectValue(), faults: l.faults}, true
}

// objects looks into each object of a list.
func (l look) objects(key string) []look {
	var found []look
	for i, v := range l.list(key) {
		if v = awsmodel.Plain(v); v.IsObject() {
			found = append(found, look{at: fmt.Sprintf("%s[%d]", join(l.at, key), i), in: v.ObjectValue(), faults: l.faults})
		}
	}
	return found
}

// required refuses the absence of what the SDK's types cannot require.
func (l look) required(keys ...string) {
	for _, key := range keys {
		if !l.given(key) {
			l.refuse(key, "is required")
		}
	}
}

// exclusive refuses more than one of the inputs.
func (l look) exclusive(keys ...string) {
	var given []string
	for _, key := range keys {
		if l.given(key) {
			given = append(given, key)
		}
	}
	if len(given) > 1 {
		l.refuse(given[0], "conflicts with %s", strings.Join(given[1:], ", "))
	}
}

func (l look) oneOf(key string, allowed ...string) {
	if v, known := l.text(key); known && !slices.Contains(allowed, v) {
		l.refuse(key, "is %q, and has to be one of %s", v, strings.Join(allowed, ", "))
	}
}

func (l look) between(key string, least, most float64) {
	if v, known := l.number(key); known && (v < least || v > most) {
		l.refuse(key, "is %v, and has to be %v to %v", v, least, most)
	}
}

// length bounds the number of characters.
func (l look) length(key string, least, most int) {
	if v, known := l.text(key); known {
		if n := utf8.RuneCountInString(v); n < least || n > most {
			l.refuse(key, "has %d characters, and may have %d to %d", n, least, most)
		}
	}
}

func (l look) match(key, pattern, what string) {
	if v, known := l.text(key); known && !regexp.MustCompile(pattern).MatchString(v) {
		l.refuse(key, "is %q, and has to be %s", v, what)
	}
}

// count bounds the number of elements of a list or map that is given.
func (l look) count(key string, least, most int) {
	v, n := l.value(key), 0
	switch {
	case v.IsArray():
		n = len(v.ArrayValue())
	case v.IsObject():
		n = len(v.ObjectValue())
	default:
		return
	}
	if n < least || n > most {
		l.refuse(key, "has %d elements, and may have %d to %d", n, least, most)
	}
}

// json reads a document; false when it is absent, not known or wrong, which is refused.
func (l look) json(key string, into any) bool {
	v, known := l.text(key)
	if !known {
		return false
	}
	if err := json.Unmarshal([]byte(v), into); err != nil {
		l.refuse(key, "is no valid JSON: %v", err)
		return false
	}
	return true
}
