package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"dossier.example/infra/prove"
	"dossier.example/plan/graph"
	"dossier.example/plan/moto"
)

// notInMoto is why a point is not proven of a stack that moto holds. All others are, over the wire and in the forms of
// AWS's protocols.
var notInMoto = map[string]string{
	"account/next-up":       "moto has no service quotas, no simulation of policies and few of RDS's offers",
	"network/flow-log":      "moto says that it may not write, whatever the role",
	"network/flow-records":  "nothing flows",
	"site/headers":          "there is no site",
	"site/hsts":             "there is no site",
	"site/redirect":         "there is no site",
	"site/renewal":          "moto renews no certificate",
	"site/proof":            "moto gives the zone another id",
	"hosts/metadata":        "moto's group gives its instances nothing of the template's metadata options",
	"hosts/volumes":         "moto's group gives its instances nothing of the template's volumes",
	"hosts/managed":         "no agent runs",
	"group/refresh":         "moto has no instance refresh",
	"group/launches":        "moto has no activities",
	"group/logs":            "no instance runs",
	"database/support":      "moto forgets it",
	"database/insights":     "moto forgets it",
	"database/log-streams":  "no database runs",
	"storage/plain":         "moto has no TLS",
	"storage/balancer-logs": "nothing is logged",
	"storage/release":       "moto's policies refuse what comes without TLS, as all here does",
	"watch/alarms":          "moto does not speak the SDK's protocol of CloudWatch",
	"watch/quiet":           "moto does not speak the SDK's protocol of CloudWatch",
	"watch/data":            "moto does not speak the SDK's protocol of CloudWatch",
	"watch/actions":         "moto does not speak the SDK's protocol of CloudWatch",
	"watch/subscription":    "moto does not speak the SDK's protocol of CloudWatch",
	"watch/events":          "moto does not speak the SDK's protocol of CloudWatch",
	"watch/dashboard":       "moto does not speak the SDK's protocol of CloudWatch",
}

// proveInMoto proves a stack that was made in moto: what the program makes, and what package prove asks for, meet in an
// AWS that neither wrote.
func proveInMoto(t *testing.T, account *moto.Account, g *graph.Graph, region, stack, raw string) {
	t.Helper()
	outputs, err := json.Marshal(account.Outputs(g))
	if err != nil {
		t.Fatal(err)
	}
	// JSON is YAML.
	s, err := prove.Read(stack, []byte(`{"config": {"aws:region": "`+region+`", "dossier:settings": `+raw+`}}`),
		outputs)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range (prove.Prover{Config: account.Config(), Stack: s, Network: blind{},
		DNS: blind{}}).Prove(t.Context()) {
		if notInMoto[p.ID] == "" && p.Result != prove.Proven && p.Result != prove.Skipped {
			t.Errorf("%s is %s: seen %s, expected %s", p.ID, p.Result, p.Seen, p.Expected)
		}
	}
	if len(notInMoto) > len(prove.Points())/3 {
		t.Errorf("%d points are left out", len(notInMoto))
	}
}

// blind is a network with a site that answers everything with 200 and nothing.
type blind struct{}

func (blind) RoundTrip(r *http.Request) (*http.Response, error) {
	recorder := httptest.NewRecorder()
	recorder.Code = http.StatusOK
	return recorder.Result(), nil
}
func (blind) LookupHost(_ context.Context, name string) ([]string, error) {
	return []string{"10.0.0.1"}, nil
}
func (blind) LookupNS(context.Context, string) ([]*net.NS, error) {
	return nil, errors.New("no DNS here")
}
func (blind) Dial(context.Context, string) error { return errors.New("closed") }
func (blind) Handshake(_ context.Context, _ string, newest uint16) (uint16, error) {
	if newest < tls.VersionTLS12 {
		return 0, errors.New("refused")
	}
	return newest, nil
}
