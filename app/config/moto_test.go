//go:build unix

package config

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"dossier.example/app/internal/servers"
)

// TestParameterStoreOfMoto reads what the SDK itself wrote to another implementation of the service.
func TestParameterStoreOfMoto(t *testing.T) {
	server, ok := servers.Moto(t)
	if !ok {
		t.Skip("moto_server is not installed (pip install 'moto[server,ssm]'), or does not run; the same runs " +
			"against the test's own server")
	}
	sdkHere(t, server.Endpoint)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cfg, err := awsconfig.LoadDefaultConfig(ctx)
	if err != nil {
		t.Fatal(err)
	}
	client := ssm.NewFromConfig(cfg)
	for name, p := range stack() {
		if _, err := client.PutParameter(ctx,
			&ssm.PutParameterInput{Name: &name, Value: &p.Value, Type: types.ParameterType(p.Type),
				Overwrite: aws.Bool(true)}); err != nil {
			t.Fatalf("put %s: %v", name, err)
		}
	}
	got, warnings, err := Load(ctx, Options{Purpose: Serve, Environ: []string{"DOSSIER_PARAMETERS=/dossier/prod"}})
	if err != nil || warnings != nil {
		t.Fatalf("got %v, %v", warnings, err)
	}
	checkStack(t, got)
	if _, _, err := Load(ctx,
		Options{Purpose: Serve, Environ: []string{"DOSSIER_PARAMETERS=/dossier/dev"}}); len(faults(t, err)) != 1 {
		t.Errorf("a path with nothing below: %v", err)
	}
}
