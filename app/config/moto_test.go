package config

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"os/exec"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

// TestParameterStoreOfMoto reads what the SDK itself wrote to another implementation of the service.
func TestParameterStoreOfMoto(t *testing.T) {
	path, err := exec.LookPath("moto_server")
	if err != nil {
		t.Skip("moto_server is not installed (pip install 'moto[server,ssm]'); the same runs against the test's own server")
	}
	sdkHere(t, moto(t, path))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cfg, err := awsconfig.LoadDefaultConfig(ctx)
	if err != nil {
		t.Fatal(err)
	}
	client := ssm.NewFromConfig(cfg)
	for name, p := range stack() {
		if _, err := client.PutParameter(ctx, &ssm.PutParameterInput{Name: &name, Value: &p.Value, Type: types.ParameterType(p.Type), Overwrite: aws.Bool(true)}); err != nil {
			t.Fatalf("put %s: %v", name, err)
		}
	}
	got, warnings, err := Load(ctx, Options{Purpose: Serve, Environ: []string{"DOSSIER_PARAMETERS=/dossier/prod"}})
	if err != nil || warnings != nil {
		t.Fatalf("got %v, %v", warnings, err)
	}
	checkStack(t, got)
	if _, _, err := Load(ctx, Options{Purpose: Serve, Environ: []string{"DOSSIER_PARAMETERS=/dossier/dev"}}); len(faults(t, err)) != 1 {
		t.Errorf("a path with nothing below: %v", err)
	}
}

// moto starts the server on a free port, waits until it answers, and returns its address.
func moto(t *testing.T, path string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	cmd := exec.Command(path, "-H", "127.0.0.1", "-p", port)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatalf("start moto_server: %v", err)
	}
	exited := make(chan struct{})
	go func() { _ = cmd.Wait(); close(exited) }()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-exited
	})
	url := "http://127.0.0.1:" + port
	client := &http.Client{Timeout: time.Second}
	deadline, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		if r, err := client.Get(url + "/moto-api/"); err == nil {
			_ = r.Body.Close()
			return url
		}
		select {
		case <-exited:
			t.Fatalf("moto_server ended: %s", out.String())
		case <-deadline.Done():
			t.Fatal("moto_server does not answer")
		case <-time.After(50 * time.Millisecond):
		}
	}
}
