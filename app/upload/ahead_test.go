package upload

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"dossier.example/app"
	"dossier.example/app/api"
)

// While parts are sent, the next ones are signed, and more by each request: the store takes no part until the site was
// asked to sign the one behind it.
func TestSigningAhead(t *testing.T) {
	const parts = 40
	data := make([]byte, parts)
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	asked := make([]chan struct{}, parts+2)
	for i := range asked {
		asked[i] = make(chan struct{})
	}
	close(asked[parts+1]) // nothing is behind the last part
	var batches []int     // one request comes after the other
	sent := make(chan int, parts)
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+api.Prefix+"/files/id/parts", func(w http.ResponseWriter, r *http.Request) {
		var in api.PartsToSign
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			t.Error(err)
		}
		batches = append(batches, len(in.Parts))
		var out api.SignedParts
		for _, p := range in.Parts {
			close(asked[p.Number])
			out.Parts = append(out.Parts,
				api.SignedPart{Number: p.Number, Method: http.MethodPut, URL: fmt.Sprintf("/store/%d", p.Number)})
		}
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(out); err != nil {
			t.Error(err)
		}
	})
	mux.HandleFunc("PUT /store/{number}", func(w http.ResponseWriter, r *http.Request) {
		var number int
		if _, err := fmt.Sscan(r.PathValue("number"), &number); err != nil {
			t.Error(err)
		}
		if _, err := io.Copy(io.Discard, r.Body); err != nil { // from its end on, the server notices who leaves
			t.Error(err)
		}
		select {
		case <-asked[number+1]:
			sent <- number
		case <-r.Context().Done():
		}
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	site, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Site: site, Parallel: 1, Patience: time.Second, Stall: 5 * time.Second, Notice: func(string) {}}
	u := &upload{
		Run: &Run{o: o, site: newSite(o), slots: make(chan struct{}, o.Parallel),
			limits: api.Limits{MaxPartsPerRequest: dossier.MaxSigned, SignatureLifetime: 900}},
		file: f, info: info, id: "id", partSize: 1,
	}
	for range parts {
		crc := dossier.NewCRC64()
		_, _ = crc.Write(data[:1]) // a hash never fails
		u.crcs = append(u.crcs, crc.Sum64())
	}
	if err := u.sendParts(t.Context(), u.lacking(nil)); err != nil {
		t.Fatalf("sendParts: %v", err)
	}
	if len(sent) != parts {
		t.Errorf("the store has %d parts, want %d", len(sent), parts)
	}
	if want := []int{1, 2, 4, 8, 16, 9}; !slices.Equal(batches, want) {
		t.Errorf("parts were signed by requests for %v, want %v", batches, want)
	}
}
