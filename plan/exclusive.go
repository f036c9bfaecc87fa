package plan

import (
	"fmt"
	"slices"
	"strings"

	"dossier.example/plan/graph"
)

// sole are the types of which AWS has one for each of what they are about, by the input that tells what that is: a
// second one takes the place of the first, and with each deployment the other way round. The reference of the Terraform
// provider says so in a note for each (https://registry.terraform.io/providers/hashicorp/aws/latest/docs).
var sole = map[string]string{
	"aws:ecr/lifecyclePolicy:LifecyclePolicy":   "repository",
	"aws:ecr/repositoryPolicy:RepositoryPolicy": "repository",
	"aws:efs/backupPolicy:BackupPolicy":         "fileSystemId",
	"aws:efs/fileSystemPolicy:FileSystemPolicy": "fileSystemId",
	keyPolicyType:                    "keyId",
	"aws:s3/bucketAclV2:BucketAclV2": "bucket",
	"aws:s3/bucketCorsConfigurationV2:BucketCorsConfigurationV2":                                 "bucket",
	"aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2":                       "bucket",
	"aws:s3/bucketLoggingV2:BucketLoggingV2":                                                     "bucket",
	"aws:s3/bucketOwnershipControls:BucketOwnershipControls":                                     "bucket",
	"aws:s3/bucketPolicy:BucketPolicy":                                                           "bucket",
	"aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock":                                     "bucket",
	"aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2": "bucket",
	"aws:s3/bucketVersioningV2:BucketVersioningV2":                                               "bucket",
	"aws:s3/bucketWebsiteConfigurationV2:BucketWebsiteConfigurationV2":                           "bucket",
	"aws:secretsmanager/secretPolicy:SecretPolicy":                                               "secretArn",
	"aws:sns/topicPolicy:TopicPolicy":                                                            "arn",
	"aws:sqs/queuePolicy:QueuePolicy":                                                            "queueUrl",
	"aws:wafv2/webAclAssociation:WebAclAssociation":                                              "resourceArn",
	objectCopyType:  "bucket",
	objectEventType: "bucket",
	"aws:ec2/routeTableAssociation:RouteTableAssociation": "subnetId",
}

// inline is what a resource may list itself, and what others say apart.
type inline struct {
	whole  string
	inputs []string
	// apart are the types that say the same of it, by the input that refers to it.
	apart map[string]string
}

// inlines are the resources that take what others say apart for wrong, and remove it. The same reference has a note for
// each.
var inlines = []inline{
	{wholeGroupType, []string{"ingress", "egress"}, map[string]string{
		"aws:ec2/securityGroupRule:SecurityGroupRule":               "securityGroupId",
		"aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule":   "securityGroupId",
		"aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": "securityGroupId",
	}},
	{"aws:ec2/routeTable:RouteTable", []string{"routes"}, map[string]string{"aws:ec2/route:Route": "routeTableId"}},
	{networkACLType, []string{"ingress", "egress"}, map[string]string{wallRuleType: "networkAclId"}},
	{"aws:iam/role:Role", []string{"inlinePolicies"}, map[string]string{"aws:iam/rolePolicy:RolePolicy": "role"}},
	{"aws:iam/role:Role", []string{"managedPolicyArns"},
		map[string]string{"aws:iam/rolePolicyAttachment:RolePolicyAttachment": "role"}},
	{groupsType, []string{"targetGroupArns", "loadBalancers"},
		map[string]string{"aws:autoscaling/attachment:Attachment": "autoscalingGroupName"}},
	{"aws:sns/topic:Topic", []string{"policy"}, map[string]string{"aws:sns/topicPolicy:TopicPolicy": "arn"}},
	{queueType, []string{"policy"}, map[string]string{"aws:sqs/queuePolicy:QueuePolicy": "queueUrl"}},
	{keyType, []string{"policy"}, map[string]string{keyPolicyType: "keyId"}},
	{"aws:secretsmanager/secret:Secret", []string{"policy"},
		map[string]string{"aws:secretsmanager/secretPolicy:SecretPolicy": "secretArn"}},
	{"aws:route53/zone:Zone", []string{"vpcs"},
		map[string]string{"aws:route53/zoneAssociation:ZoneAssociation": "zoneId"}},
	{tableType, []string{"replicas"}, map[string]string{"aws:dynamodb/tableReplica:TableReplica": "globalTableArn"}},
}

// pair are two resources of a program that say the same of something.
type pair struct {
	of          *graph.Resource
	about, text string
}

// rivals are the pairs of a graph, by what tells them apart.
func rivals(g *graph.Graph) map[string]pair {
	found := map[string]pair{}
	first := map[string]*graph.Resource{}
	for _, r := range g.Resources {
		if path := sole[r.Token]; path != "" && !r.Read {
			about := graph.Text(r.Input(path))
			shown := about
			if whole := g.Resolve(about); whole != nil && whole != r {
				about, shown = whole.URN, whole.String()
			}
			key := r.Token + " " + about
			switch other := first[key]; {
			case about == "":
			case other == nil:
				first[key] = r
			default:
				found[other.URN+" "+r.URN] = pair{r, shown, fmt.Sprintf("%s and %s are about the same",
					code(other.String()),
					code(r.String()))}
			}
		}
	}
	for _, i := range inlines {
		for token, path := range i.apart {
			for _, r := range g.ByType(token) {
				whole := g.Resolve(r.Input(path), i.whole)
				if whole == nil || whole.Read || r.Read {
					continue
				}
				for _, input := range i.inputs {
					if empty(whole.Input(input)) || input == "ingress" && outward(r) || input == "egress" &&
						!outward(r) {
						continue
					}
					found[whole.URN+" "+r.URN] = pair{r, whole.String(),
						fmt.Sprintf("%s of %s and %s are about the same",
							code(input), code(whole.String()), code(r.String()))}
				}
			}
		}
	}
	return found
}

// outward reports whether a rule is about what leaves.
func outward(r *graph.Resource) bool {
	return strings.HasSuffix(r.Token, "EgressRule") || graph.Text(r.Input("type")) == "egress" ||
		graph.Is(r.Input("egress"), true)
}

// contended are the dangers of resources that take each other's place, where base has none.
func contended(base, head *graph.Graph) []Danger {
	is := rivals(head)
	if len(is) == 0 {
		return nil
	}
	var was map[string]pair
	if base != nil {
		was = rivals(base)
	}
	var found []Danger
	for key, p := range is {
		if _, before := was[key]; before {
			continue
		}
		kind, what := stops, "AWS has one: with each deployment they take each other's place"
		if p.of.Token == "aws:ec2/routeTableAssociation:RouteTableAssociation" {
			kind, what = refused, "AWS takes one only, and the deployment stops halfway"
		}
		found = append(found, Danger{Kind: kind, Resource: p.of.String(),
			What: fmt.Sprintf("%s, %s, of which %s.", p.text, code(p.about), what)})
	}
	slices.SortFunc(found, func(a, b Danger) int { return strings.Compare(a.What, b.What) })
	return found
}

const wholeGroupType = "aws:ec2/securityGroup:SecurityGroup"

// doubled are the dangers of rules that a resource of its own makes although the group has them: without a list of its
// own, a group keeps those that it has (ec2/vpc_security_group.go: ingress and egress are Computed), and AWS refuses a
// second one (InvalidPermission.Duplicate).
func doubled(base, head *graph.Graph) []Danger {
	if base == nil {
		return nil
	}
	type kept struct {
		group     *graph.Resource
		direction graph.Direction
	}
	had := map[kept][]graph.SecurityRule{}
	for _, r := range base.SecurityRules() {
		if r.Resource.Token == wholeGroupType {
			had[kept{r.Resource, r.Direction}] = append(had[kept{r.Resource, r.Direction}], r)
		}
	}
	var found []Danger
	told := map[string]bool{}
	for _, r := range head.SecurityRules() {
		of := r.Resource
		group := head.Resolve(of.Input("securityGroupId"), wholeGroupType)
		if of.Token == wholeGroupType || group == nil || base.Was(of) != nil || told[of.URN] ||
			group.Input(string(r.Direction)) != nil {
			continue
		}
		for _, old := range had[kept{base.Was(group), r.Direction}] {
			if old.Protocol == r.Protocol && old.Ports == r.Ports && old.CIDR == r.CIDR &&
				old.PrefixList == r.PrefixList && !old.Opaque && old.Group == "" && r.Group == "" {
				told[of.URN] = true
			}
		}
		if told[of.URN] {
			found = append(found, Danger{Kind: refused, Resource: of.String(),
				What: fmt.Sprintf("**%s** %s says what %s of %s said, which the group keeps when the program no "+
					"longer has the list: AWS has the rule already, and the deployment stops halfway. Empty the list "+
					"first, or import the rule.", of.Kind(), code(of.Name), code(string(r.Direction)),
					code(group.String()))})
		}
	}
	return found
}

// clinging are the types that AWS does not delete while something else has them
// (DependencyViolation, ResourceInUse, InvalidDBParameterGroupState and their like).
var clinging = []string{
	"aws:ec2/securityGroup:SecurityGroup", "aws:lb/targetGroup:TargetGroup", "aws:rds/parameterGroup:ParameterGroup",
	"aws:rds/clusterParameterGroup:ClusterParameterGroup", "aws:rds/subnetGroup:SubnetGroup",
	"aws:rds/optionGroup:OptionGroup", "aws:elasticache/subnetGroup:SubnetGroup",
	"aws:elasticache/parameterGroup:ParameterGroup", "aws:wafv2/ipSet:IpSet", webACLType,
	"aws:wafv2/ruleGroup:RuleGroup", "aws:cloudfront/originAccessControl:OriginAccessControl",
	"aws:cloudfront/cachePolicy:CachePolicy", "aws:cloudfront/originRequestPolicy:OriginRequestPolicy",
	responseHeaderType, "aws:cloudfront/function:Function", "aws:ec2/launchConfiguration:LaunchConfiguration",
}

// inUse are the dangers of what is deleted before there is a new one while others that stay still have it.
func inUse(e *Environment, base, head *graph.Graph) []Danger {
	if base == nil {
		return nil
	}
	// What is replaced after it still has the old one; only what goes before it has let go of it.
	goes := map[string]bool{}
	for _, c := range e.Changes {
		goes[c.URN] = c.Action == Delete || c.Action == Replace && c.First
	}
	var found []Danger
	for _, c := range e.Changes {
		now := head.ByURN(c.URN)
		if !c.First || c.Kept || now == nil || !slices.Contains(clinging, c.Type) {
			continue
		}
		var by []string
		for _, r := range head.Resources {
			if r == now || goes[r.URN] || !r.Custom || r.Read || base.Was(r) == nil {
				continue
			}
			has := false
			graph.Walk("", r.Inputs, func(_ string, v any) { has = has || head.Refers(v, now) })
			if has {
				by = append(by, code(r.String()))
			}
		}
		if len(by) > 0 {
			found = append(found, c.danger(refused, " is deleted before there is a new one, as both have the same "+
				"name, and AWS refuses while it is in use by %s: the deployment stops there. Leave the name to "+
				"Pulumi, or give the new one another.", strings.Join(few(by), ", ")))
		}
	}
	return found
}
