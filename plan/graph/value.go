package graph

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// Mark stands in the place of a value that is not shown.
type Mark int

const (
	// Secret stands for a value that the program marks as secret.
	Secret Mark = iota + 1
	// Unknown stands for a value that only a real deployment tells.
	Unknown
)

func (m Mark) String() string {
	switch m {
	case Secret:
		return "[secret]"
	case Unknown:
		return "[unknown]"
	}
	return fmt.Sprintf("[mark %d]", int(m))
}

// MarshalJSON writes the mark as the text of String.
func (m Mark) MarshalJSON() ([]byte, error) { return json.Marshal(m.String()) }

// Asset is a file or text that a resource takes, or an archive of such. It names no folder, so that a graph is the same
// on every machine.
type Asset struct {
	// Name is the last element of the file's path, the URI, or empty for a text.
	Name string
	// SHA256 is the hash that the engine compares, in hexadecimal.
	SHA256 string
	// Archive tells an archive from a single file.
	Archive bool
}

// plain turns a value of a registration into plain Go, with secrets and unknowns marked.
func plain(v resource.PropertyValue) any {
	switch {
	case v.IsSecret():
		return Secret
	case v.IsComputed():
		return Unknown
	case v.IsOutput():
		out := v.OutputValue()
		switch {
		case out.Secret:
			return Secret
		case !out.Known:
			return Unknown
		}
		return plain(out.Element)
	case v.IsBool():
		return v.BoolValue()
	case v.IsNumber():
		return v.NumberValue()
	case v.IsString():
		return v.StringValue()
	case v.IsArray():
		list := make([]any, 0, len(v.ArrayValue()))
		for _, e := range v.ArrayValue() {
			list = append(list, plain(e))
		}
		return list
	case v.IsObject():
		return plainMap(v.ObjectValue())
	case v.IsAsset():
		a := v.AssetValue()
		return Asset{Name: assetName(a.Path, a.URI), SHA256: a.Hash}
	case v.IsArchive():
		a := v.ArchiveValue()
		return Asset{Name: assetName(a.Path, a.URI), SHA256: a.Hash, Archive: true}
	case v.IsResourceReference():
		ref := v.ResourceReferenceValue()
		if ref.ID.IsString() && ref.ID.StringValue() != "" {
			return ref.ID.StringValue()
		}
		return string(ref.URN)
	}
	return nil
}

// digests are hashes of values with the secrets in them, by name.
func digests(m resource.PropertyMap) map[string]string {
	found := make(map[string]string, len(m))
	for key, v := range m {
		// Maps are written in the order of their keys.
		hash := sha256.Sum256(fmt.Appendf(nil, "%#v", open(v)))
		found[string(key)] = hex.EncodeToString(hash[:])
	}
	return found
}

// open is plain with what is secret in its place.
func open(v resource.PropertyValue) any {
	switch {
	case v.IsSecret():
		return open(v.SecretValue().Element)
	case v.IsOutput() && v.OutputValue().Known:
		return open(v.OutputValue().Element)
	case v.IsArray():
		list := make([]any, 0, len(v.ArrayValue()))
		for _, e := range v.ArrayValue() {
			list = append(list, open(e))
		}
		return list
	case v.IsObject():
		m := map[string]any{}
		for key, e := range v.ObjectValue() {
			m[string(key)] = open(e)
		}
		return m
	}
	return plain(v)
}

func assetName(path, uri string) string {
	if path == "" {
		return uri
	}
	return filepath.Base(path)
}

func plainMap(m resource.PropertyMap) map[string]any {
	out := make(map[string]any, len(m))
	for k, v := range m {
		if p := plain(v); p != nil {
			out[string(k)] = p
		}
	}
	return out
}

func at(v any, path string) any {
	for name := range strings.SplitSeq(path, ".") {
		switch m := v.(type) {
		case map[string]any:
			v = m[name]
		case Mark:
			return m
		default:
			return nil
		}
	}
	return v
}

// At is the value at a path of names separated by dots within a value that is a map; nil when it is absent.
func At(v any, path string) any { return at(v, path) }

// Text is a value as a text: a string, a number or a boolean as AWS writes it. It is empty for anything else, also for
// a Mark.
func Text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return ""
}

// Is reports whether a value is known to be that boolean; providers take the words "true" and "false" as well. Absent,
// secret and unknown values are neither.
func Is(v any, want bool) bool { return Text(v) == strconv.FormatBool(want) }

// Number is a value as a number, and whether it is one.
func Number(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case string:
		n, err := strconv.ParseFloat(v, 64)
		return n, err == nil
	}
	return 0, false
}

// Items are the elements of a list. A single map stands for a list of one, as some inputs of AWS come in both shapes.
func Items(v any) []any {
	switch v := v.(type) {
	case []any:
		return v
	case map[string]any:
		return []any{v}
	}
	return nil
}

// Texts are the elements of a list that Text shows.
func Texts(v any) []string {
	var texts []string
	for _, e := range Items(v) {
		if t := Text(e); t != "" {
			texts = append(texts, t)
		}
	}
	return texts
}

// Walk calls visit for every value that is no list and no map within v, in a stable order, with its path: names
// separated by dots, positions in brackets. The path of v itself is given.
func Walk(path string, v any, visit func(path string, v any)) {
	switch v := v.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			Walk(strings.TrimPrefix(path+"."+k, "."), v[k], visit)
		}
	case []any:
		for i, e := range v {
			Walk(fmt.Sprintf("%s[%d]", path, i), e, visit)
		}
	default:
		visit(path, v)
	}
}
