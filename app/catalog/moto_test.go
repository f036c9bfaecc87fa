//go:build unix

package catalog

import (
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	dossier "dossier.example/app"
	"dossier.example/app/storetest"
)

// A second server by other people, where it is installed: two have to misread DynamoDB in the same way before a fault is missed.
func TestDynamoDBMoto(t *testing.T) {
	t.Parallel()
	program, err := exec.LookPath("moto_server")
	if err != nil {
		t.Log("moto_server is not on PATH: this extra check is left out")
		return
	}
	cfg, ok := startMoto(t, program)
	if !ok {
		t.Log("moto_server is on PATH but does not start: this extra check is left out")
		return
	}
	// Its conditional writes are not atomic, so only those tests where that does not matter.
	storetest.CatalogAlone(t, func(t *testing.T) dossier.Catalog {
		d, _ := newDynamoDB(t, cfg)
		return d
	})
}

// startMoto starts a server that ends with the test.
func startMoto(t *testing.T, program string) (aws.Config, bool) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "log")
	log, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	// The shell ends the server when its own input ends, which it also does when the test's process is killed.
	cmd := exec.Command("sh", "-c", `exec 3<&0
"$0" -H 127.0.0.1 -p 0 3<&- & server=$!
(cat <&3 >/dev/null; kill -9 $server) 2>/dev/null &
wait $server`, program)
	cmd.Stdout, cmd.Stderr = log, log
	input, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		return aws.Config{}, false
	}
	done := make(chan struct{})
	go func() {
		_ = cmd.Wait() // it is ended by a signal, or its log tells
		close(done)
	}()
	t.Cleanup(func() {
		_ = input.Close()
		<-done
	})
	listens := regexp.MustCompile(`Running on (http://127\.0\.0\.1:\d+)`)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for {
		if text, err := os.ReadFile(path); err == nil {
			if m := listens.FindSubmatch(text); m != nil && answers(ctx, string(m[1])) {
				return aws.Config{
					Region: "us-east-1", BaseEndpoint: aws.String(string(m[1])),
					Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
				}, true
			}
		}
		select {
		case <-done:
			return aws.Config{}, false
		case <-ctx.Done():
			return aws.Config{}, false
		case <-time.After(25 * time.Millisecond):
		}
	}
}

func answers(ctx context.Context, url string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/moto-api/", nil)
	if err != nil {
		return false
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	_, _ = io.Copy(io.Discard, res.Body)
	return res.Body.Close() == nil && res.StatusCode == http.StatusOK
}
