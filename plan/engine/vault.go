package engine

import (
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// vaultToken is the one that the stand-in of Vault takes.
const vaultToken = "token-of-the-tests"

// vault stands in for the transit engine of HashiCorp Vault. It wraps the key by which a stack's secrets are encrypted.
// A passphrase would do as well, but each call of the CLI computes for half a second to derive a key from one.
type vault struct {
	mu sync.Mutex
	// wrapped are the keys, which leave nothing but their number.
	wrapped [][]byte
}

// ServeHTTP implements http.Handler.
func (v *vault) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Plaintext  []byte `json:"plaintext"`
		Ciphertext string `json:"ciphertext"`
	}
	if subtle.ConstantTimeCompare([]byte(r.Header.Get("X-Vault-Token")), []byte(vaultToken)) != 1 {
		http.Error(w, `{"errors":["permission denied"]}`, http.StatusForbidden)
		return
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&in); err != nil {
		http.Error(w, fmt.Sprintf(`{"errors":[%q]}`, err), http.StatusBadRequest)
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	data := map[string]any{}
	switch r.URL.Path {
	case "/v1/transit/encrypt/stacks":
		data["ciphertext"] = fmt.Sprintf("vault:v1:%d", len(v.wrapped))
		v.wrapped = append(v.wrapped, in.Plaintext)
	case "/v1/transit/decrypt/stacks":
		n, err := strconv.Atoi(strings.TrimPrefix(in.Ciphertext, "vault:v1:"))
		if err != nil || n < 0 || n >= len(v.wrapped) {
			http.Error(w, `{"errors":["no such ciphertext"]}`, http.StatusBadRequest)
			return
		}
		data["plaintext"] = v.wrapped[n]
	default:
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"data": data})
}
