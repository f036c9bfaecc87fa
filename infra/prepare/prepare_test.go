package prepare

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// account is a double of IAM, RDS and CloudWatch Logs, over HTTP as the SDK speaks it.
type account struct {
	mu        sync.Mutex
	roles     map[string]bool
	databases map[string]bool
	groups    map[string]bool
	// refuse is a code with which an operation is refused.
	refuse map[string]string
	calls  []string
}

func newAccount() *account {
	return &account{roles: map[string]bool{}, databases: map[string]bool{}, groups: map[string]bool{},
		refuse: map[string]string{}}
}

// config starts the double, and returns the SDK's configuration for it.
func (a *account) config(t *testing.T) aws.Config {
	t.Helper()
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	return aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(server.URL),
		Credentials:      credentials.NewStaticCredentialsProvider("a", "b", ""),
		RetryMaxAttempts: 1,
	}
}

func (a *account) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		var in struct{ LogGroupName string }
		_ = json.Unmarshal(body, &in)
		a.calls = append(a.calls, "DeleteLogGroup "+in.LogGroupName)
		code := a.refuse["DeleteLogGroup"]
		if code == "" && !a.groups[in.LogGroupName] {
			code = "ResourceNotFoundException"
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		if code != "" {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = fmt.Fprintf(w, `{"__type": %q, "message": "refused"}`, code)
			return
		}
		delete(a.groups, in.LogGroupName)
		_, _ = io.WriteString(w, "{}")
		return
	}
	form, _ := url.ParseQuery(string(body))
	operation := form.Get("Action")
	subject := form.Get("RoleName") + form.Get("AWSServiceName") + form.Get("DBInstanceIdentifier")
	a.calls = append(a.calls, operation+" "+subject)
	code, message := a.refuse[operation], "refused"
	switch {
	case code != "":
	case operation == "GetRole" && !a.roles[subject]:
		code = "NoSuchEntity"
	case operation == "CreateServiceLinkedRole":
		i := slices.IndexFunc(Roles(), func(role Role) bool { return role.Service == subject })
		if name := Roles()[i].Name; a.roles[name] {
			// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateServiceLinkedRole.html
			code, message = "InvalidInput",
				"Service role name "+name+" has been taken in this account, please try a different suffix."
		} else {
			a.roles[name] = true
		}
	case operation == "DescribeDBInstances" && !a.databases[subject]:
		code = "DBInstanceNotFound"
	}
	w.Header().Set("Content-Type", "text/xml")
	if code != "" {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprintf(w, "<ErrorResponse><Error><Code>%s</Code><Message>%s</Message></Error></ErrorResponse>",
			code, message)
		return
	}
	_, _ = fmt.Fprintf(w,
		"<%[1]sResponse><%[1]sResult><Role><RoleName>a</RoleName></Role></%[1]sResult></%[1]sResponse>", operation)
}

// run prepares the account, and returns what was said and how long a new role was waited for.
func (a *account) run(t *testing.T) (said string, waited time.Duration, err error) {
	t.Helper()
	var log bytes.Buffer
	err = Run(t.Context(), a.config(t), "dossier-dev", &log, func(_ context.Context, d time.Duration) error {
		waited += d
		return nil
	})
	return log.String(), waited, err
}

func TestNewAccount(t *testing.T) {
	a := newAccount()
	said, waited, err := a.run(t)
	if err != nil {
		t.Fatal(err)
	}
	for _, role := range Roles() {
		if !a.roles[role.Name] || !strings.Contains(said, role.Name) {
			t.Errorf("%s was not made, or not told: %q", role.Name, said)
		}
	}
	if waited != Settle {
		t.Errorf("it waited %v for new roles, want %v", waited, Settle)
	}
	// The second time there is nothing to do, and nothing to wait for.
	if said, waited, err := a.run(t); err != nil || said != "" || waited != 0 {
		t.Errorf("again: %q, %v, %v", said, waited, err)
	}
}

// A role that exists is right, whoever made it and whether or not it may be looked at.
func TestRolesThatExist(t *testing.T) {
	a := newAccount()
	a.refuse["GetRole"] = "AccessDenied"
	for _, role := range Roles() {
		a.roles[role.Name] = true
	}
	if said, waited, err := a.run(t); err != nil || said != "" || waited != 0 {
		t.Errorf("%q, %v, %v", said, waited, err)
	}
}

func TestLogGroupsThatAreLeft(t *testing.T) {
	for _, c := range []struct {
		name   string
		exists bool
		want   int
	}{
		{"of a database that is gone", false, 0},
		{"of one that runs", true, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := newAccount()
			a.databases["dossier-dev"] = c.exists
			for _, name := range LogGroups("dossier-dev") {
				a.groups[name] = true
			}
			a.groups["/aws/rds/instance/dossier-prod/error"] = true
			if _, _, err := a.run(t); err != nil {
				t.Fatal(err)
			}
			if len(a.groups) != c.want+1 {
				t.Errorf("left are %v", a.groups)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct{ operation, code, want string }{
		{"GetRole", "ServiceFailure", "looking for the service-linked role AWSServiceRoleForAutoScaling"},
		{"CreateServiceLinkedRole", "AccessDenied", "allow iam:CreateServiceLinkedRole for autoscaling.amazonaws.com"},
		{"CreateServiceLinkedRole", "LimitExceeded", "creating the service-linked role AWSServiceRoleForAutoScaling"},
		{"DescribeDBInstances", "AccessDenied", "looking for the database dossier-dev"},
		{"DeleteLogGroup", "AccessDeniedException", "deleting the log group /aws/rds/instance/dossier-dev/error"},
	} {
		t.Run(c.operation+" "+c.code, func(t *testing.T) {
			a := newAccount()
			a.refuse[c.operation] = c.code
			_, _, err := a.run(t)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.code) {
				t.Errorf("the error is %v, want %q and the code", err, c.want)
			}
			if c.operation == "DescribeDBInstances" && slices.ContainsFunc(a.calls, func(call string) bool {
				return strings.HasPrefix(call, "DeleteLogGroup")
			}) {
				t.Error("log groups were deleted although nobody knows whether the database is there")
			}
		})
	}
}
