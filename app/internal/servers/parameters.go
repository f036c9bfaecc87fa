package servers

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Parameter is what Parameter Store keeps under a name.
type Parameter struct {
	// Type is String, StringList or SecureString.
	Type, Value string
}

// ParameterStore is the one service for which there is no server at hand: it speaks as much of AWS Systems Manager's
// protocol as reading parameters by their names takes, GetParameters. It wants signed requests, and does not verify the
// signature.
type ParameterStore map[string]Parameter

// ServeHTTP implements http.Handler.
func (s ParameterStore) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Names          []string
		WithDecryption bool
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<10))
	switch {
	case !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 "):
		RefuseParameters(w, "MissingAuthenticationTokenException", "Missing Authentication Token")
		return
	case r.Header.Get("X-Amz-Target") != "AmazonSSM.GetParameters":
		RefuseParameters(w, "UnknownOperationException", "Only GetParameters is served here")
		return
	case err != nil || json.Unmarshal(body, &in) != nil:
		RefuseParameters(w, "SerializationException", "The body is no JSON")
		return
	case len(in.Names) == 0 || len(in.Names) > 10: // the service's own bound
		RefuseParameters(w, "ValidationException", "Member must have length less than or equal to 10")
		return
	}
	type parameter struct{ Name, Type, Value string }
	out := struct {
		Parameters        []parameter
		InvalidParameters []string
	}{}
	for _, name := range in.Names {
		p, ok := s[name]
		if !ok {
			out.InvalidParameters = append(out.InvalidParameters, name)
			continue
		}
		if p.Type == "SecureString" && !in.WithDecryption {
			p.Value = "AQICAHhciphertext"
		}
		out.Parameters = append(out.Parameters, parameter{name, p.Type, p.Value})
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	_ = json.NewEncoder(w).Encode(out)
}

// RefuseParameters answers as Parameter Store does when it refuses a request.
func RefuseParameters(w http.ResponseWriter, code, message string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(http.StatusBadRequest)
	fmt.Fprintf(w, `{"__type":%q,"message":%q}`, code, message)
}
