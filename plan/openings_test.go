package plan

import (
	"slices"
	"testing"

	"dossier.example/plan/graph"
)

// TestOtherDirections: what opens by the way back of a change that stops, and what is sent outside by something new.
func TestOtherDirections(t *testing.T) {
	const bus = "arn:aws:events:us-east-1:999999999999:event-bus/theirs"
	for _, c := range []struct {
		name, kind string
		was, is    in // nil: there is none
		told       string
		want       string // empty: nothing of that kind is told
	}{
		{"AWS's address of an HTTP API", "apigatewayv2/api:Api", in{"disableExecuteApiEndpoint": true},
			in{"disableExecuteApiEndpoint": false}, exposes, "AWS's address as well"},
		{"AWS's address of an HTTP API, not set", "apigatewayv2/api:Api", in{"disableExecuteApiEndpoint": true}, in{},
			exposes, "AWS's address as well"},
		{"AWS's address of a REST API", "apigateway/restApi:RestApi", in{"disableExecuteApiEndpoint": true}, in{},
			exposes,
			"AWS's address as well"},
		{"no address of AWS's", "apigatewayv2/api:Api", in{}, in{"disableExecuteApiEndpoint": true}, exposes, ""},
		{"a key of an API", "apigateway/apiKey:ApiKey", in{"enabled": false}, in{}, exposes, "let in again"},
		{"a key", "iam/accessKey:AccessKey", in{"user": "a", "status": "Inactive"}, in{"user": "a"}, exposes,
			"signs in again"},
		{"a distribution", "cloudfront/distribution:Distribution", in{"enabled": false}, in{"enabled": true}, exposes,
			"anyone on the internet"},

		{"a new target in a foreign account", "cloudwatch/eventTarget:EventTarget", nil, in{"rule": "r", "arn": bus},
			exposes,
			"events go to the foreign account `999999999999`"},
		{"another target in a foreign account", "cloudwatch/eventTarget:EventTarget",
			in{"rule": "r", "arn": "arn:aws:sqs:us-east-1:123456789012:q"}, in{"rule": "r", "arn": bus}, exposes,
			"events go to the foreign account"},
		{"a new target of its own", "cloudwatch/eventTarget:EventTarget", nil,
			in{"rule": "r", "arn": "arn:aws:sqs:us-east-1:123456789012:q"}, exposes, ""},
		{"a new subscriber outside", "sns/topicSubscription:TopicSubscription", nil,
			in{"topic": "t", "protocol": "https", "endpoint": "https://hooks.example/a?b=c"}, exposes,
			"its messages go to `hooks.example`, outside"},
		{"a new subscriber in a foreign account", "sns/topicSubscription:TopicSubscription", nil,
			in{"topic": "t", "protocol": "sqs", "endpoint": "arn:aws:sqs:us-east-1:999999999999:q"}, exposes,
			"the foreign account `999999999999`"},
		{"a new subscriber by mail", "sns/topicSubscription:TopicSubscription", nil,
			in{"topic": "t", "protocol": "email", "endpoint": "a@site.example"}, exposes, ""},
		{"a new subscriber of its own", "sns/topicSubscription:TopicSubscription", nil,
			in{"topic": "t", "protocol": "https",
				"endpoint": "https://{id of Api a}.execute-api.us-east-1.amazonaws.com/a"},
			exposes, ""},

		{"AWS's key of a stream", "kinesis/stream:Stream", in{"encryptionType": "KMS", "kmsKeyId": "k"},
			in{"encryptionType": "KMS", "kmsKeyId": "alias/aws/kinesis"}, weakens, "another key"},
		{"a key of a stream", "kinesis/stream:Stream", in{}, in{"encryptionType": "KMS", "kmsKeyId": "k"}, weakens, ""},
		{"signed in for years", "cognito/userPoolClient:UserPoolClient", in{"userPoolId": "p",
			"refreshTokenValidity": 1},
			in{"userPoolId": "p", "refreshTokenValidity": 3650}, weakens, "stays so for 3650 instead of 1"},
		{"signed in for longer units", "cognito/userPoolClient:UserPoolClient",
			in{"userPoolId": "p", "refreshTokenValidity": 60, "tokenValidityUnits": in{"refreshToken": "minutes"}},
			in{"userPoolId": "p", "refreshTokenValidity": 60}, weakens, "stays so for longer"},
		{"signed in for less", "cognito/userPoolClient:UserPoolClient", in{"userPoolId": "p"},
			in{"userPoolId": "p", "refreshTokenValidity": 1}, weakens, ""},

		{"a command that cleans up", "command:local:Command", in{"create": "a", "delete": "rm"}, nil, notJudged,
			"runs its script `delete`"},
		{"a command elsewhere that cleans up", "command:remote:Command", in{"create": "a", "delete": "rm"}, nil,
			notJudged,
			"runs its script `delete`"},
		{"a command that is run anew", "command:local:Command", in{"create": "a", "delete": "rm",
			"triggers": []string{"1"}},
			in{"create": "a", "delete": "rm", "triggers": []string{"2"}}, notJudged, "runs its script `delete`"},
		{"a command that leaves what it did", "command:local:Command", in{"create": "a"}, nil, notJudged, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			base, head := became(t, c.kind, c.was, c.is, func(r *graph.Resource) {
				r.Options.ReplaceOnChanges = []string{"triggers"} // the SDK of commands says so with each
			})
			var want [][2]string
			if c.want != "" {
				want = [][2]string{{c.told, c.want}}
			}
			tells(t, slices.DeleteFunc(between(base, head).Environments[0].Dangers, func(d Danger) bool {
				return d.Kind != c.told
			}), want)
		})
	}
}
