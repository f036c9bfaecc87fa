package plan

import (
	"regexp"
	"strings"
)

// widening finds actions, in small letters, that give rights to somebody: nearly all that the Service Authorization
// Reference counts as permissions management, as of September 2026, and those that it does not although they change a
// policy of a resource. What takes rights away is none of them
// (https://docs.aws.amazon.com/service-authorization/latest/reference/reference.html).
var widening = regexp.MustCompile(`^(?:put|set|update|create|attach|add|modify|authorize|batchgrant|grant|associate)` +
	`.*(?:permission|accessgrant|policygrant|publicaccess|ownershipcontrols|` +
	`(?:bucket|object|objectversion)acl$|endpointaccess|portfolioshare|datalakesettings|clusteriamroles|` +
	`(?:access|resource|bucket|key|repository|registry|filesystem|identity|table|auth|accesspoint|sharing|rulegroup|` +
	`querylogconfig|resolverrule|image|recipe|component|container|channel|domain|inline|restapi|scoped|` +
	`destination|cluster|contact|security)polic)`)

// powers are actions that no word of their names gives away: they run code as somebody else, hand out data, or let
// somebody in, by why they are risky (the Service Authorization Reference describes each).
var powers = func() map[string]string {
	found := map[string]string{}
	for why, actions := range map[string]string{
		"to run programs elsewhere": "ssm:startautomationexecution ssm:createassociation ssm:updateassociation " +
			"cloudformation:createstack cloudformation:updatestack cloudformation:createchangeset " +
			"cloudformation:executechangeset codebuild:startbuild codebuild:updateproject lambda:createfunction " +
			"ec2:modifyinstanceattribute ecr:putimage glue:createjob glue:updatejob glue:createdevendpoint " +
			"glue:updatedevendpoint glue:startjobrun ecs:runtask ecs:starttask ecs:registertaskdefinition " +
			"batch:submitjob batch:registerjobdefinition elasticmapreduce:runjobflow " +
			"elasticmapreduce:addjobflowsteps emr-serverless:startjobrun ssm:resumesession ssm:createdocument " +
			"ssm:updatedocument " +
			"lambda:createeventsourcemapping sagemaker:createpresignednotebookinstanceurl " +
			"sagemaker:createpresigneddomainurl codepipeline:startpipelineexecution datapipeline:putpipelinedefinition",
		"to hand out what others keep": "rds:modifydbsnapshotattribute rds:modifydbclustersnapshotattribute " +
			"ec2:modifysnapshotattribute ec2:modifyimageattribute ebs:getsnapshotblock " +
			"redshift:authorizesnapshotaccess redshift:getclustercredentials redshift:getclustercredentialswithiam " +
			"acm:exportcertificate ec2:getpassworddata dynamodb:exporttabletopointintime rds:startexporttask " +
			"rds:downloadcompletedblogfile rds-db:connect",
		"to let others in": "cognito-idp:adminsetuserpassword cognito-idp:admincreateuser " +
			"cognito-idp:adminaddusertogroup cognito-idp:adminupdateuserattributes ec2:authorizesecuritygroupingress " +
			"ec2:modifysecuritygrouprules rds:modifydbinstance rds:modifydbcluster eks:createaccessentry " +
			"lambda:createfunctionurlconfig lambda:updatefunctionurlconfig sso:createaccountassignment " +
			"identitystore:creategroupmembership ram:createresourceshare ram:associateresourceshare " +
			"ram:updateresourceshare rolesanywhere:createtrustanchor rolesanywhere:updatetrustanchor " +
			"rolesanywhere:enabletrustanchor rolesanywhere:createprofile rolesanywhere:updateprofile " +
			"appsync:createapikey appsync:updateapikey appsync:updategraphqlapi es:updatedomainconfig " +
			"es:updateelasticsearchdomainconfig kafka:updateconnectivity kafka:updatesecurity " +
			"ec2:acceptvpcpeeringconnection ec2:accepttransitgatewaypeeringattachment " +
			"ec2:accepttransitgatewayvpcattachment ec2:acceptvpcendpointconnections " +
			"route53:createvpcassociationauthorization ds:sharedirectory cognito-idp:createuserpoolclient " +
			"cognito-idp:updateuserpoolclient cognito-idp:createidentityprovider " +
			"cognito-idp:updateidentityprovider transfer:createuser transfer:importsshpublickey " +
			"s3:createaccesspoint globalaccelerator:createcrossaccountattachment",
		// whose attributes have the policy
		"to widen rights": "sns:settopicattributes sqs:setqueueattributes acm-pca:putpolicy iot:attachpolicy " +
			"iot:attachprincipalpolicy iot:createpolicyversion iot:setdefaultpolicyversion " +
			"redshift:authorizedatashare redshift:createclusteruser redshift:joingroup " +
			"ram:enablesharingwithawsorganization ram:replacepermissionassociations " +
			"ram:associateresourcesharepermission",
		deletes: "s3:bypassgovernanceretention",
	} {
		for _, action := range strings.Fields(actions) {
			found[action] = why
		}
	}
	return found
}()
