//go:build linux

package testservers

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
)

// Parameters answers as Parameter Store does (JSON 1.1): GetParameter and GetParameters. It does not look at
// signatures.
type Parameters struct {
	// URL is what AWS_ENDPOINT_URL_SSM has to be.
	URL string

	mu     sync.Mutex
	values map[string]string
	asked  []string
}

// NewParameters starts a server without parameters.
func NewParameters(t testing.TB) *Parameters {
	t.Helper()
	p := &Parameters{values: map[string]string{}}
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	p.URL = server.URL
	return p
}

// Set replaces all parameters.
func (p *Parameters) Set(values map[string]string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.values, p.asked = maps.Clone(values), nil
}

// Asked returns the names that were asked for since Set, sorted, each once.
func (p *Parameters) Asked() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Compact(slices.Sorted(slices.Values(p.asked)))
}

// ServeHTTP implements http.Handler.
func (p *Parameters) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	type parameter struct{ Name, Type, Value string }
	var in struct {
		Name           string
		Names          []string
		WithDecryption bool
	}
	refuse := func(code, message string) {
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]string{"__type": code, "message": message}) // the client may have gone
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&in); err != nil {
		refuse("ValidationException", err.Error())
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch target := r.Header.Get("X-Amz-Target"); target {
	case "AmazonSSM.GetParameter":
		p.asked = append(p.asked, in.Name)
		value, ok := p.values[in.Name]
		if !ok {
			refuse("ParameterNotFound", "")
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]parameter{"Parameter": {in.Name, "String", value}})
	case "AmazonSSM.GetParameters":
		p.asked = append(p.asked, in.Names...)
		if len(in.Names) > 10 || !in.WithDecryption {
			refuse("ValidationException", "10 names at most, with decryption")
			return
		}
		var out struct {
			Parameters        []parameter
			InvalidParameters []string
		}
		for _, name := range in.Names {
			if value, ok := p.values[name]; ok {
				out.Parameters = append(out.Parameters, parameter{name, "SecureString", value})
			} else {
				out.InvalidParameters = append(out.InvalidParameters, name)
			}
		}
		_ = json.NewEncoder(w).Encode(out)
	default:
		refuse("UnknownOperationException", target)
	}
}
