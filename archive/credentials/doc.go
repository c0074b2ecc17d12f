// Package credentials reads the file that says who may call the archive, and what each of them may do.
//
// The file is TOML:
//
//	[[user]]
//	name = "gate"                          # for the log
//	access_key_id = "AKIDGATE"
//	secret_access_key = "..."
//	actions = ["PutMedia", "GetDataEndpoint", "DescribeStream"]
//	streams = ["gate-*"]
//
//	[[user]]
//	name = "viewer"
//	access_key_id = "AKIDVIEWER"
//	secret_access_key = "..."
//	session_token = "..."                  # has to come with each request, when there is one
//	account = "123456789012"               # of the streams, when it is not the server's own
//	actions = ["Get*", "List*"]
//	streams = ["*"]
//
// An action is the name of an operation. In actions and streams, "*" stands for any number of any characters; everything else stands
// for itself. A user may do what one of the actions matches, on the streams that one of the streams matches; nothing else.
//
// A user whose key is to be changed has two entries for a while: names may come twice, access key ids may not. A field that is not
// among these is refused, as are a file without users and, but for Windows, one that its group or others can read, write or execute.
//
// [File] follows the file while the server runs. Put a new file in the place of the old one by renaming it, so that it is never read
// half written; a file that is refused changes nothing.
//
// Errors do not quote what is in the file, but for the names of users, fields and patterns. Package fmt writes a [User] without its
// secrets.
package credentials
