package credentials_test

import (
	"fmt"
	"net/http"
	"time"

	"github.com/seed63bb8431/weir/archive/credentials"
	"github.com/seed63bb8431/weir/archive/sigv4"
)

func Example() {
	users, err := credentials.Parse([]byte(`
[[user]]
name = "viewer"
access_key_id = "AKIDVIEWER"
secret_access_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
actions = ["Get*", "ListFragments"]
streams = ["cam-*"]
`))
	if err != nil {
		fmt.Println(err)
		return
	}

	// A caller signs with the same key.
	key, _ := users.Key("AKIDVIEWER")
	signer := sigv4.Signer{Key: key, Region: "us-west-2"}
	r, _ := http.NewRequest(http.MethodPost, "http://127.0.0.1:8080/getClip", http.NoBody)
	if err := signer.Sign(r, sigv4.EmptyHash, time.Now()); err != nil {
		fmt.Println(err)
		return
	}

	// The signature says who is calling, the table what they may do.
	verifier := sigv4.Verifier{Lookup: users.Key}
	s, err := verifier.Verify(r, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	u, _ := users.Lookup(s.KeyID)
	fmt.Println(u.Name, u.Allowed("GetClip", "cam-1"), u.Allowed("GetClip", "door"), u.Allowed("DeleteStream", "cam-1"))

	// Output: viewer true false false
}
