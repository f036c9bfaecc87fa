package config

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/smithy-go"
)

// parametersPerCall is how many names GetParameters takes
// (https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameters.html).
const parametersPerCall = 10

// ParameterNames returns the full names of the parameters that a command asks for below a path, sorted: those that its
// role must be allowed to read, whether they exist or not.
func ParameterNames(path string, purpose Purpose) []string {
	var names []string
	for _, s := range settings() {
		if s.parameter != "" && s.purposes&purpose != 0 {
			names = append(names, path+"/"+s.parameter)
		}
	}
	slices.Sort(names)
	return names
}

// parameterStore reads from AWS Systems Manager Parameter Store.
type parameterStore struct {
	client *ssm.Client
	// call bounds one GetParameters with all its attempts, the waits between them and the fetching of credentials.
	call time.Duration
}

// The time limits. An answer takes some tens of milliseconds; when many instances start at once, throttling makes it
// seconds.
const (
	parameterAttempt = 5 * time.Second
	parameterCall    = 30 * time.Second
)

// openParameterStore connects as the SDK's own variables and files say.
func openParameterStore(ctx context.Context) (*parameterStore, error) {
	return newParameterStore(ctx, parameterAttempt, parameterCall)
}

func newParameterStore(ctx context.Context, attempt, call time.Duration) (*parameterStore, error) {
	ctx, cancel := context.WithTimeout(ctx, call)
	defer cancel()
	cfg, err := awsconfig.LoadDefaultConfig(ctx, awsconfig.WithHTTPClient(awshttp.NewBuildableClient().WithTimeout(attempt)))
	if err != nil {
		return nil, fmt.Errorf("cannot be read, because the AWS SDK's own configuration is faulty: %w", err)
	}
	if cfg.Region == "" {
		return nil, errors.New("cannot be read without a region; set AWS_REGION to the one that the parameters are in")
	}
	client := ssm.NewFromConfig(cfg, func(o *ssm.Options) {
		// More attempts than the SDK's three, because a whole group of instances may start at once. AWS_MAX_ATTEMPTS
		// wins.
		if o.RetryMaxAttempts == 0 {
			o.RetryMaxAttempts = 5
		}
	})
	return &parameterStore{client, call}, nil
}

// Parameters implements the interface of that name.
func (s *parameterStore) Parameters(ctx context.Context, names []string) (map[string]string, error) {
	found := map[string]string{}
	for batch := range slices.Chunk(names, parametersPerCall) {
		part, err := s.get(ctx, batch)
		if err != nil {
			return nil, err
		}
		maps.Copy(found, part)
	}
	return found, nil
}

// get reads up to parametersPerCall parameters.
func (s *parameterStore) get(ctx context.Context, names []string) (map[string]string, error) {
	ctx, cancel := context.WithTimeout(ctx, s.call)
	defer cancel()
	out, err := s.client.GetParameters(ctx, &ssm.GetParametersInput{Names: names, WithDecryption: aws.Bool(true)})
	if err != nil {
		return nil, explain(ctx, err)
	}
	found := map[string]string{}
	for _, p := range out.Parameters {
		found[aws.ToString(p.Name)] = aws.ToString(p.Value)
	}
	return found, nil
}

// explain adds to a failed GetParameters what an operator can do about it.
func explain(ctx context.Context, err error) error {
	var (
		mend    string
		api     smithy.APIError
		timeout net.Error
	)
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return fmt.Errorf("was not read: %w", context.Canceled)
	case errors.As(err, &api):
		switch api.ErrorCode() {
		case "AccessDeniedException":
			mend = "allow the role ssm:GetParameters on every setting's name below this path, and kms:Decrypt on the key of the secrets"
		case "ExpiredTokenException", "InvalidClientTokenId", "InvalidSignatureException", "MissingAuthenticationToken",
			"IncompleteSignature", "UnrecognizedClientException":
			mend = "check the AWS credentials, and the clock of this machine"
		case "ThrottlingException", "RequestLimitExceeded":
			mend = "start again, or raise the throughput of Parameter Store in this account and region"
		case "InvalidKeyId":
			mend = "the key that a secret below this path is encrypted with is disabled, being deleted or gone"
		default:
			mend = "check the path, the region and the role"
		}
		// The code and the service's own sentence; the SDK's whole text repeats them in the middle of its inner
		// workings.
		return &explained{fmt.Sprintf("Parameter Store answered %s (%s); %s", api.ErrorCode(), api.ErrorMessage(), mend), err}
	case errors.Is(ctx.Err(), context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return &explained{"Parameter Store did not answer in time; check AWS_REGION and that this machine reaches the service " +
			"(a NAT gateway or a VPC endpoint)", errors.Join(context.DeadlineExceeded, err)}
	}
	return fmt.Errorf("cannot be read; check the AWS credentials, AWS_REGION and the network: %w", err)
}

// explained is an error whose text is for operators, with its cause for programs.
type explained struct {
	text string
	err  error
}

func (e *explained) Error() string { return e.text }
func (e *explained) Unwrap() error { return e.err }
