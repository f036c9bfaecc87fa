// Command replacements writes the table of the inputs whose change needs another resource, which package plan reads its
// verdicts from. It takes them from the Terraform AWS provider, which the Pulumi provider is built on and which marks
// each such argument in its own source, "ForceNew: true". "go generate" in the folder of package plan runs it, "make
// generate" runs that.
//
//	replacements <file to write>
//
// The provider's current source is no Go module that can be asked for by version, so the last one that is, 1.60, is
// read: what came or changed since stands in package plan, by hand, with its reason. The names of inputs are compared
// with those of the Pulumi SDK in go.mod: an argument that it does not have is left out and named.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// The module that the facts are in, with the hash that go.sum would have.
const (
	module  = "github.com/hashicorp/terraform-provider-aws"
	version = "v1.60.0"
	sum     = "h1:4YnFQI7eNzpTLp73wuuZ/rgH3qoNzGeTMxjbXjxLtvE="
	sdk     = "github.com/pulumi/pulumi-aws/sdk/v6"
)

// types are the provider's names of the types that the table has, by token: those of the program that the provider had
// then, and others that hold data or that a stack of this kind is likely to get.
func types() map[string]string {
	return map[string]string{
		"aws:acm/certificate:Certificate":                        "aws_acm_certificate",
		"aws:acm/certificateValidation:CertificateValidation":    "aws_acm_certificate_validation",
		"aws:autoscaling/group:Group":                            "aws_autoscaling_group",
		"aws:autoscaling/lifecycleHook:LifecycleHook":            "aws_autoscaling_lifecycle_hook",
		"aws:autoscaling/policy:Policy":                          "aws_autoscaling_policy",
		"aws:autoscaling/schedule:Schedule":                      "aws_autoscaling_schedule",
		"aws:cloudfront/distribution:Distribution":               "aws_cloudfront_distribution",
		"aws:cloudwatch/dashboard:Dashboard":                     "aws_cloudwatch_dashboard",
		"aws:cloudwatch/eventRule:EventRule":                     "aws_cloudwatch_event_rule",
		"aws:cloudwatch/eventTarget:EventTarget":                 "aws_cloudwatch_event_target",
		"aws:cloudwatch/logGroup:LogGroup":                       "aws_cloudwatch_log_group",
		"aws:cloudwatch/logMetricFilter:LogMetricFilter":         "aws_cloudwatch_log_metric_filter",
		"aws:cloudwatch/metricAlarm:MetricAlarm":                 "aws_cloudwatch_metric_alarm",
		"aws:dynamodb/table:Table":                               "aws_dynamodb_table",
		"aws:ebs/volume:Volume":                                  "aws_ebs_volume",
		"aws:ec2/eip:Eip":                                        "aws_eip",
		"aws:ec2/eipAssociation:EipAssociation":                  "aws_eip_association",
		"aws:ec2/flowLog:FlowLog":                                "aws_flow_log",
		"aws:ec2/instance:Instance":                              "aws_instance",
		"aws:ec2/internetGateway:InternetGateway":                "aws_internet_gateway",
		"aws:ec2/keyPair:KeyPair":                                "aws_key_pair",
		"aws:ec2/launchTemplate:LaunchTemplate":                  "aws_launch_template",
		"aws:ec2/natGateway:NatGateway":                          "aws_nat_gateway",
		"aws:ec2/networkAcl:NetworkAcl":                          "aws_network_acl",
		"aws:ec2/route:Route":                                    "aws_route",
		"aws:ec2/routeTable:RouteTable":                          "aws_route_table",
		"aws:ec2/routeTableAssociation:RouteTableAssociation":    "aws_route_table_association",
		"aws:ec2/securityGroup:SecurityGroup":                    "aws_security_group",
		"aws:ec2/securityGroupRule:SecurityGroupRule":            "aws_security_group_rule",
		"aws:ec2/subnet:Subnet":                                  "aws_subnet",
		"aws:ec2/vpc:Vpc":                                        "aws_vpc",
		"aws:ec2/vpcEndpoint:VpcEndpoint":                        "aws_vpc_endpoint",
		"aws:efs/fileSystem:FileSystem":                          "aws_efs_file_system",
		"aws:iam/instanceProfile:InstanceProfile":                "aws_iam_instance_profile",
		"aws:iam/policy:Policy":                                  "aws_iam_policy",
		"aws:iam/role:Role":                                      "aws_iam_role",
		"aws:iam/rolePolicy:RolePolicy":                          "aws_iam_role_policy",
		"aws:iam/rolePolicyAttachment:RolePolicyAttachment":      "aws_iam_role_policy_attachment",
		"aws:kms/alias:Alias":                                    "aws_kms_alias",
		"aws:kms/key:Key":                                        "aws_kms_key",
		"aws:lambda/function:Function":                           "aws_lambda_function",
		"aws:lb/listener:Listener":                               "aws_lb_listener",
		"aws:lb/listenerRule:ListenerRule":                       "aws_lb_listener_rule",
		"aws:lb/loadBalancer:LoadBalancer":                       "aws_lb",
		"aws:lb/targetGroup:TargetGroup":                         "aws_lb_target_group",
		"aws:rds/cluster:Cluster":                                "aws_rds_cluster",
		"aws:rds/instance:Instance":                              "aws_db_instance",
		"aws:rds/parameterGroup:ParameterGroup":                  "aws_db_parameter_group",
		"aws:rds/subnetGroup:SubnetGroup":                        "aws_db_subnet_group",
		"aws:route53/record:Record":                              "aws_route53_record",
		"aws:route53/zone:Zone":                                  "aws_route53_zone",
		"aws:s3/bucketPolicy:BucketPolicy":                       "aws_s3_bucket_policy",
		"aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": "aws_s3_bucket_public_access_block",
		"aws:s3/bucketObjectv2:BucketObjectv2":                   "aws_s3_bucket_object",
		"aws:s3/bucketV2:BucketV2":                               "aws_s3_bucket",
		"aws:secretsmanager/secret:Secret":                       "aws_secretsmanager_secret",
		"aws:sns/topic:Topic":                                    "aws_sns_topic",
		"aws:sns/topicPolicy:TopicPolicy":                        "aws_sns_topic_policy",
		"aws:sns/topicSubscription:TopicSubscription":            "aws_sns_topic_subscription",
		"aws:sqs/queue:Queue":                                    "aws_sqs_queue",
		"aws:ssm/parameter:Parameter":                            "aws_ssm_parameter",
	}
}

// renamed are arguments that the SDK has under a name that is not the provider's in camel case, by token and argument.
func renamed() map[string]string {
	return map[string]string{
		"aws:cloudwatch/metricAlarm:MetricAlarm alarm_name":     "name",
		"aws:lambda/function:Function function_name":            "name",
		"aws:rds/instance:Instance name":                        "dbName",
		"aws:sns/topicSubscription:TopicSubscription topic_arn": "topic",
	}
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: replacements <file to write>")
		os.Exit(2)
	}
	table, err := generate()
	if err == nil {
		err = os.WriteFile(os.Args[1], table, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "replacements:", err)
		os.Exit(1)
	}
}

// generate returns the table.
func generate() ([]byte, error) {
	provider, err := download()
	if err != nil {
		return nil, err
	}
	inputs, sdkVersion, err := locate()
	if err != nil {
		return nil, err
	}
	source, err := read(filepath.Join(provider, "aws"))
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "# The inputs whose change needs another resource, by type: arguments with \"ForceNew: true\" in the source of\n"+
		"# %s %s (%s),\n# by their names in %s %s.\n# Code generated by replacements; DO NOT EDIT.\n", module, version, sum, sdk, sdkVersion)
	all := types()
	for _, token := range slices.Sorted(maps.Keys(all)) {
		arguments, err := source.arguments(all[token])
		if err != nil {
			return nil, err
		}
		known, err := declared(inputs, token)
		if err != nil {
			return nil, err
		}
		var found, gone []string
		for _, argument := range arguments {
			if path, ok := named(token, argument, known); ok {
				found = append(found, path)
			} else {
				gone = append(gone, argument)
			}
		}
		fmt.Fprintln(&out, strings.Join(append([]string{token}, found...), " "))
		if len(gone) > 0 {
			fmt.Fprintf(&out, "# %s: no input today: %s\n", token, strings.Join(gone, " "))
		}
	}
	return out.Bytes(), nil
}

// download returns the folder of the provider's module.
func download() (string, error) {
	cmd := exec.Command("go", "mod", "download", "-json", module+"@"+version)
	cmd.Dir = os.TempDir() // outside of any module
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	raw, err := cmd.Output()
	var got struct{ Dir, Sum, Error string }
	if jsonErr := json.Unmarshal(raw, &got); jsonErr != nil {
		return "", fmt.Errorf("downloading %s: %w", module, errors.Join(err, jsonErr))
	}
	switch {
	case got.Error != "":
		return "", fmt.Errorf("downloading %s: %s", module, got.Error)
	case got.Sum != sum:
		return "", fmt.Errorf("downloading %s: its hash is %s, not %s", module, got.Sum, sum)
	}
	return got.Dir, err
}

// locate returns the folder of the SDK's Go packages, and its version.
func locate() (dir, version string, err error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}} {{.Version}}", sdk).Output()
	if err != nil {
		return "", "", fmt.Errorf("looking for %s: %w", sdk, err)
	}
	dir, version, _ = strings.Cut(strings.TrimSpace(string(out)), " ")
	return filepath.Join(dir, "go", "aws"), version, nil
}

// provider is its source: the functions that return a resource, and which type each is for.
type provider struct {
	functions map[string]*ast.FuncDecl
	resources map[string]string
}

func read(dir string) (provider, error) {
	p := provider{functions: map[string]*ast.FuncDecl{}, resources: map[string]string{}}
	files, err := fs.Glob(os.DirFS(dir), "*.go")
	if err != nil {
		return p, err
	}
	set := token.NewFileSet()
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") || !strings.HasPrefix(name, "resource_aws_") && name != "provider.go" {
			continue
		}
		file, err := parser.ParseFile(set, filepath.Join(dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			return p, err
		}
		for _, d := range file.Decls {
			if f, is := d.(*ast.FuncDecl); is && f.Recv == nil {
				p.functions[f.Name.Name] = f
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if kv, is := n.(*ast.KeyValueExpr); is && name == "provider.go" {
				if call, is := kv.Value.(*ast.CallExpr); is {
					if f, is := call.Fun.(*ast.Ident); is && strings.HasPrefix(f.Name, "resource") {
						p.resources[text(kv.Key)] = f.Name
					}
				}
			}
			return true
		})
	}
	return p, nil
}

func text(e ast.Expr) string {
	if lit, is := e.(*ast.BasicLit); is && lit.Kind == token.STRING {
		if s, err := strconv.Unquote(lit.Value); err == nil {
			return s
		}
	}
	return ""
}

// arguments are those of a type that are marked, dots before what is nested, in order.
func (p provider) arguments(resource string) ([]string, error) {
	f := p.functions[p.resources[resource]]
	if f == nil {
		return nil, fmt.Errorf("%s %s has no resource %s", module, version, resource)
	}
	var found []string
	some := false
	ast.Inspect(f.Body, func(n ast.Node) bool {
		kv, is := n.(*ast.KeyValueExpr)
		if !is || !called(kv.Key, "Schema") {
			return true
		}
		if m, is := kv.Value.(*ast.CompositeLit); is {
			some = true
			found = append(found, marked("", m)...)
		}
		return false // what is nested is looked at by marked
	})
	if !some {
		return nil, fmt.Errorf("the source of %s in %s %s is not understood: it has no schema", resource, module, version)
	}
	slices.Sort(found)
	return slices.Compact(found), nil
}

func called(e ast.Expr, name string) bool {
	id, is := e.(*ast.Ident)
	return is && id.Name == name
}

// marked are the arguments of a schema that are marked.
func marked(prefix string, schema *ast.CompositeLit) []string {
	var found []string
	for _, e := range schema.Elts {
		kv, is := e.(*ast.KeyValueExpr)
		if !is {
			continue
		}
		name := text(kv.Key)
		value := kv.Value
		if pointer, is := value.(*ast.UnaryExpr); is {
			value = pointer.X
		}
		attributes, is := value.(*ast.CompositeLit)
		if name == "" || !is {
			continue // what a function returns, such as tags
		}
		var nested []string
		whole := false
		for _, a := range attributes.Elts {
			kv, is := a.(*ast.KeyValueExpr)
			if !is {
				continue
			}
			if called(kv.Key, "ForceNew") && called(kv.Value, "true") {
				whole = true
			}
			if called(kv.Key, "Elem") {
				ast.Inspect(kv.Value, func(n ast.Node) bool {
					kv, is := n.(*ast.KeyValueExpr)
					if is && called(kv.Key, "Schema") {
						if m, is := kv.Value.(*ast.CompositeLit); is {
							nested = append(nested, marked(prefix+name+".", m)...)
						}
						return false
					}
					return true
				})
			}
		}
		if whole {
			found = append(found, prefix+name)
		} else {
			found = append(found, nested...)
		}
	}
	return found
}

var inputTag = regexp.MustCompile("`pulumi:\"([A-Za-z0-9]+)\"`")

// declared are the inputs of a type as the SDK declares them.
func declared(dir, token string) ([]string, error) {
	path, kind, _ := strings.Cut(strings.TrimPrefix(token, "aws:"), ":")
	file := filepath.Join(dir, filepath.FromSlash(path)+".go")
	source, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	// Of the two structs of arguments, that with plain types has the names.
	_, body, found := strings.Cut(string(source), "\ntype "+strings.ToLower(kind[:1])+kind[1:]+"Args struct {")
	body, _, ended := strings.Cut(body, "\n}")
	if !found || !ended {
		return nil, fmt.Errorf("%s declares no arguments of %s", file, kind)
	}
	var names []string
	for _, match := range inputTag.FindAllStringSubmatch(body, -1) {
		names = append(names, match[1])
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s: the arguments of %s have no names", file, kind)
	}
	return names, nil
}

// named is an argument's path in the SDK: in camel case, lists in the plural.
func named(token, argument string, known []string) (string, bool) {
	if other := renamed()[token+" "+argument]; other != "" {
		return other, slices.Contains(known, other)
	}
	first, rest, nested := strings.Cut(argument, ".")
	first = camel(first)
	for _, form := range []string{first, first + "s", first + "es", strings.TrimSuffix(first, "y") + "ies"} {
		if !slices.Contains(known, form) {
			continue
		}
		if nested {
			parts := strings.Split(rest, ".")
			for i := range parts {
				parts[i] = camel(parts[i])
			}
			form += "." + strings.Join(parts, ".")
		}
		return form, true
	}
	return "", false
}

func camel(name string) string {
	var b strings.Builder
	upper := false
	for _, r := range name {
		switch {
		case r == '_':
			upper = true
		case upper:
			b.WriteRune(unicode.ToUpper(r))
			upper = false
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
