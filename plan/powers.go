package plan

import "strings"

// powers are actions that no word of their names gives away: they run code as somebody else, hand out data, or let
// somebody in, by why they are risky (the Service Authorization Reference describes each).
var powers = func() map[string]string {
	found := map[string]string{}
	for why, actions := range map[string]string{
		"to run programs elsewhere": "ssm:startautomationexecution ssm:createassociation ssm:updateassociation " +
			"cloudformation:createstack cloudformation:updatestack cloudformation:createchangeset " +
			"cloudformation:executechangeset codebuild:startbuild codebuild:updateproject lambda:createfunction " +
			"ec2:modifyinstanceattribute ecr:putimage glue:createjob glue:updatejob ecs:runtask " +
			"ecs:registertaskdefinition",
		"to hand out what others keep": "rds:modifydbsnapshotattribute rds:modifydbclustersnapshotattribute " +
			"ec2:modifysnapshotattribute ec2:modifyimageattribute ebs:getsnapshotblock " +
			"redshift:authorizesnapshotaccess redshift:getclustercredentials",
		"to let others in": "cognito-idp:adminsetuserpassword ec2:authorizesecuritygroupingress rds:modifydbinstance " +
			"rds:modifydbcluster",
		deletes: "s3:bypassgovernanceretention",
	} {
		for _, action := range strings.Fields(actions) {
			found[action] = why
		}
	}
	return found
}()
