// Package reload keeps a value that is made of small files in step with them: it looks at the files now and then, makes the value anew
// when they have changed, and keeps the old one when the new files cannot be read or are refused.
//
// A change is seen by another file in the place of the old one, another size, modification time or mode. A file that was changed less
// than two seconds ago is read again at the next look, since a further change may leave all of these as they are.
package reload
