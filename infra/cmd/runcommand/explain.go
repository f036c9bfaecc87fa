package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/smithy-go"
)

// explain adds to a failed call what was being done and what an operator can do about it.
func (m *manager) explain(ctx context.Context, doing, action string, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return fmt.Errorf("%s: %w (%w)", doing, cause, err)
	}
	if _, unknown := errors.AsType[*types.InvalidInstanceId](err); unknown {
		return fmt.Errorf("%s: %w; Systems Manager does not know %s in %s, or the instance is not running: check "+
			"the ID, the region and the account", doing, err, m.instance, m.region)
	}
	var api smithy.APIError
	if !errors.As(err, &api) {
		return fmt.Errorf("%s: %w; check the AWS credentials and the network", doing, err)
	}
	mend := "check the account and the region"
	switch api.ErrorCode() {
	case "AccessDeniedException", "AccessDenied":
		mend = "grant the caller " + action
	case "ExpiredTokenException", "InvalidClientTokenId", "InvalidSignatureException", "MissingAuthenticationToken",
		"IncompleteSignature",
		"UnrecognizedClientException":
		mend = "check the AWS credentials and the clock of this machine"
	case "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException":
		mend = "Systems Manager throttles requests in this account; try again later"
	}
	return fmt.Errorf("%s: %w; %s", doing, err, mend)
}
