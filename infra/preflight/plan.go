package preflight

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go"
)

// The service that knows the account's plan has one endpoint, whatever the region
// (https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_freetier_GetAccountPlanState.html). It is
// asked without a client of the SDK: one request with nothing in it does not need a module of its own.
const (
	planURL    = "https://freetier.us-east-1.api.aws/"
	planTarget = "AWSFreeTierService.GetAccountPlanState"
	planRegion = "us-east-1"
	planAnswer = 64 << 10 // bytes
)

// What the Free plan takes. AWS names neither in a document; both are the errors that people met
// (https://github.com/yc-software/qm/issues/352): "The specified backup retention period exceeds the maximum available
// to free tier customers", and "This instance size isn't available with free plan accounts". EC2 says of each type
// whether it is eligible.
const (
	freeBackupDays = 1
	freeSize       = ".micro"
)

// plan asks whether the account is on AWS's Free plan, which refuses some of what can be set.
func (l *look) plan(ctx context.Context) {
	const point = "plan"
	free, err := l.freePlan(ctx)
	if err != nil {
		l.unseen(ctx, point, err)
		return
	}
	if !free {
		return
	}
	const upgrade = ", or upgrade the account to the Paid plan"
	if days := l.Settings.Database.BackupDays; days > freeBackupDays {
		l.fault(point, fmt.Sprintf("set database.backupDays to %d%s", freeBackupDays, upgrade),
			"the account is on the Free plan, where RDS keeps backups for %d day, but database.backupDays is %d",
			freeBackupDays, days)
	}
	if class := l.Settings.Database.Class; !strings.HasSuffix(class, freeSize) {
		l.fault(point, "set database.class to db.t4g.micro"+upgrade,
			"the account is on the Free plan, where RDS has only the size micro, but database.class is %s", class)
	}
	types, err := l.types(ctx)
	if err != nil {
		l.unseen(ctx, point, err)
		return
	}
	for _, need := range l.hosts() {
		if info, known := types[need.kind]; known && !info.free {
			l.fault(point, fmt.Sprintf("set %s to one of \"aws ec2 describe-instance-types --filters "+
				"Name=free-tier-eligible,Values=true\" for arm64%s", need.setting, upgrade),
				"the account is on the Free plan, which has no %s (%s)", need.kind, need.setting)
		}
	}
}

// freePlan asks for the plan. An account that never had one of the plans of July 2025 is no fault of the account: the
// service then knows no plan.
func (l *look) freePlan(ctx context.Context) (bool, error) {
	body := []byte("{}")
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, planURL, bytes.NewReader(body))
	if err != nil {
		return false, err
	}
	request.Header.Set("Content-Type", "application/x-amz-json-1.0")
	request.Header.Set("X-Amz-Target", planTarget)
	credentials, err := l.Config.Credentials.Retrieve(ctx)
	if err != nil {
		return false, fmt.Errorf("getting credentials to ask for the account's plan: %w", err)
	}
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(ctx, credentials, request, hex.EncodeToString(sum[:]), "freetier", planRegion,
		time.Now()); err != nil {
		return false, fmt.Errorf("signing the question for the account's plan: %w", err)
	}
	response, err := l.client().Do(request)
	if err != nil {
		return false, fmt.Errorf("asking for the account's plan: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	var answer struct {
		Plan  string `json:"accountPlanType"`
		Fault string `json:"__type"`
		Says  string `json:"message"`
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, planAnswer)).Decode(&answer); err != nil {
		return false, fmt.Errorf("reading the account's plan from an answer %s: %w", response.Status, err)
	}
	if response.StatusCode != http.StatusOK {
		_, fault, _ := strings.Cut("#"+answer.Fault, "#")
		if at := strings.LastIndex(fault, "#"); at >= 0 {
			fault = fault[at+1:]
		}
		if fault == "ResourceNotFoundException" {
			return false, nil
		}
		return false, &smithy.OperationError{ServiceID: "FreeTier", OperationName: "GetAccountPlanState",
			Err: &smithy.GenericAPIError{Code: fault, Message: answer.Says}}
	}
	switch answer.Plan {
	case "FREE":
		return true, nil
	case "PAID":
		return false, nil
	default:
		return false, fmt.Errorf("the account's plan is %q, which this program does not support", answer.Plan)
	}
}

// client is what the SDK sends its requests with.
func (l *look) client() aws.HTTPClient {
	if l.Config.HTTPClient != nil {
		return l.Config.HTTPClient
	}
	return http.DefaultClient
}
