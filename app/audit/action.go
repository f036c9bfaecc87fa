package audit

import "slices"

// Action is what was done.
type Action string

// The actions of staff, and of the holders of receipts.
const (
	SessionBegin     Action = "session.begin"
	SessionFail      Action = "session.fail"
	SessionEnd       Action = "session.end"
	SessionEndOthers Action = "session.end-others"
	SessionList      Action = "session.list"

	SessionProve Action = "session.prove"

	AccountList     Action = "account.list"
	AccountView     Action = "account.view"
	AccountOwn      Action = "account.own"
	AccountInvite   Action = "account.invite"
	AccountAccept   Action = "account.accept"
	AccountRole     Action = "account.role"
	AccountSuspend  Action = "account.suspend"
	AccountResume   Action = "account.resume"
	AccountLink     Action = "account.link"
	AccountRecover  Action = "account.recover"
	AccountRemove   Action = "account.remove"
	AccountRename   Action = "account.rename"
	AccountPassword Action = "account.password"
	AccountCodes    Action = "account.codes"

	TokenList   Action = "token.list"
	TokenMake   Action = "token.make"
	TokenRevoke Action = "token.revoke"
	TokenFail   Action = "token.fail"

	PeopleSearch Action = "people.search"
	PeopleExport Action = "people.export"
	// PeopleSelect stands for what is done with selected people, which has an action of its own.
	PeopleSelect Action = "people.select"
	// PeopleDelete deletes selected people, or moves them to the trash.
	PeopleDelete Action = "people.delete"
	// PeoplePutBack puts back from the trash those who were moved there at once.
	PeoplePutBack Action = "people.put-back"

	PersonView     Action = "person.view"
	PersonDownload Action = "person.download"
	PersonExport   Action = "person.export"
	PersonLink     Action = "person.link"
	PersonDelete   Action = "person.delete"
	PersonPutBack  Action = "person.put-back"
	PersonErase    Action = "person.erase"

	FileView     Action = "file.view"
	FilePreview  Action = "file.preview"
	FileDownload Action = "file.download"
	FileUpload   Action = "file.upload"
	FileDelete   Action = "file.delete"
	FilePutBack  Action = "file.put-back"
	FileErase    Action = "file.erase"

	TrashView Action = "trash.view"
	// TrashEmpty erases everything in the trash.
	TrashEmpty Action = "trash.empty"

	// JobView and JobStop are of a change of many people that takes longer than a request.
	JobView Action = "job.view"
	JobStop Action = "job.stop"

	ReceiptReplace Action = "receipt.replace"
	ReceiptExpire  Action = "receipt.expire"

	AdministrationView Action = "administration.view"
	StorageView        Action = "stores.view"
	AuditView          Action = "audit.view"
	AuditExport        Action = "audit.export"
)

// The actions of the program itself.
const (
	// SettingsStart: an instance started, with the settings that the detail has the digest of.
	SettingsStart Action = "settings.start"
	// JobContinue: a change of many people goes on, or was given up, after whoever worked on it was gone. The request
	// is that which began it.
	JobContinue Action = "job.continue"
	// StoresRestore: a backup was restored, or stores were made to agree at a point in time. What the trail had since
	// then is not in it any more.
	StoresRestore Action = "stores.restore"
	// SealHead says how far a chain goes, for the Seal behind it. Its count is the sequence of the chain's last entry,
	// its detail that entry's hash.
	SealHead Action = "seal.head"
	// Seal ends the heads of a seal. Its count is how many there are.
	Seal Action = "seal"
	// PruneHead says how far a chain is removed, in the same way, for the Prune behind it.
	PruneHead Action = "prune.head"
	// PruneEntries ends the heads of what is removed.
	PruneEntries Action = "prune"
)

// kind is what there is to know of an action.
type kind struct {
	action Action
	// text says it to people: "Viewed a person".
	text string
	// changes: there is an entry before it and one after it.
	changes bool
}

var actions = []kind{
	{SessionBegin, "Signed in", true},
	{SessionFail, "Failed to sign in", false},
	{SessionEnd, "Ended a session", true},
	{SessionEndOthers, "Ended all other sessions", true},
	{SessionList, "Viewed the sessions", false},

	{SessionProve, "Proved who they are", true},

	{AccountList, "Viewed the accounts", false},
	{AccountView, "Viewed an account", false},
	{AccountOwn, "Viewed their own account", false},
	{AccountInvite, "Made an account", true},
	{AccountAccept, "Set up an account", true},
	{AccountRole, "Changed a role", true},
	{AccountSuspend, "Suspended an account", true},
	{AccountResume, "Resumed an account", true},
	{AccountLink, "Made a link for an account", true},
	{AccountRecover, "Recovered an account", true},
	{AccountRemove, "Removed an account", true},
	{AccountRename, "Changed their name", true},
	{AccountPassword, "Changed their password", true},
	{AccountCodes, "Changed their codes", true},

	{TokenList, "Viewed the API tokens", false},
	{TokenMake, "Made an API token", true},
	{TokenRevoke, "Revoked an API token", true},
	{TokenFail, "Sent a wrong API token", false},

	{PeopleSearch, "Viewed the directory", false},
	{PeopleExport, "Exported the directory", true},
	{PeopleSelect, "Worked with selected people", true},
	{PeopleDelete, "Deleted people", true},
	{PeoplePutBack, "Put people back from the trash", true},

	{PersonView, "Viewed a person", false},
	{PersonDownload, "Downloaded all files of a person", false},
	{PersonExport, "Exported everything known of a person", false},
	{PersonLink, "Changed when a private link expires", true},
	{PersonDelete, "Deleted a person", true},
	{PersonPutBack, "Put a person back from the trash", true},
	{PersonErase, "Erased a person for good", true},

	{FileView, "Viewed a file’s record", false},
	{FilePreview, "Viewed previews of a person’s files", false},
	{FileDownload, "Downloaded a file", false},
	{FileUpload, "Worked on an upload", true},
	{FileDelete, "Deleted a file", true},
	{FilePutBack, "Put a file back from the trash", true},
	{FileErase, "Erased a file for good", true},

	{TrashView, "Viewed the trash", false},
	{TrashEmpty, "Emptied the trash", true},

	{JobView, "Viewed a change of many people", false},
	{JobStop, "Stopped a change of many people", true},

	{ReceiptReplace, "Replaced a private link", true},
	{ReceiptExpire, "Shortened a private link", true},

	{AdministrationView, "Viewed the administration", false},
	{StorageView, "Viewed the storage", false},
	{AuditView, "Viewed the audit trail", false},
	{AuditExport, "Exported the audit trail", true},

	{SettingsStart, "Started", false},
	{JobContinue, "Continued a change of many people", false},
	{StoresRestore, "Restored the stores", true},
	{SealHead, "Sealed a chain", false},
	{Seal, "Sealed the audit trail", false},
	{PruneHead, "Pruned a chain", false},
	{PruneEntries, "Pruned the audit trail", false},
}

func (a Action) kind() kind {
	i := slices.IndexFunc(actions, func(k kind) bool { return k.action == a })
	if i < 0 {
		return kind{action: a, text: string(a)}
	}
	return actions[i]
}

// Known reports whether the action is one of the constants.
func (a Action) Known() bool {
	return slices.ContainsFunc(actions, func(k kind) bool { return k.action == a })
}

// Changes reports whether an action has two entries: Begun before it, and how it ended after it. Exports have, too: how
// many went out is known only then.
func (a Action) Changes() bool { return a.kind().changes }

// Text says an action to people.
func (a Action) Text() string { return a.kind().text }

// Actions returns all actions.
func Actions() []Action {
	all := make([]Action, len(actions))
	for i, k := range actions {
		all[i] = k.action
	}
	return all
}
