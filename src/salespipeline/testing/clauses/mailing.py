"""Clauses about what a mailer takes, refuses, and cannot know."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread

import pytest

from salespipeline.ports import Accepted, Mailer, NotSent, Outcome, Unknown
from salespipeline.testing.clauses.posting import MailerClauses, Post, Trouble, able, mail, together

__all__ = ["Living", "NotKnowing", "Refusing", "Taking"]

Open = Callable[[], Mailer]


class Taking(MailerClauses):
    """Mails that are taken."""

    def test_m01_accepted_is_arrived(self, post: Post, mailer: Open) -> None:
        """A mail that is accepted has arrived when ``send`` returns, byte for byte."""
        sent = mail()
        assert isinstance(mailer().send(sent), Accepted)
        assert [one.content for one in post.arrived()] == [sent.content]

    @able("envelope")
    def test_m02_for_those_of_the_envelope(self, post: Post, mailer: Open) -> None:
        """A mail goes to its recipients, each once, and to nobody else, whoever its header fields name."""
        sent = mail(to=("first@client.example", "second@client.example", "archive@acme.example"))
        assert isinstance(mailer().send(sent), Accepted)
        assert [set(one.recipients or ()) for one in post.arrived()] == [set(sent.recipients)]

    def test_m03_nothing_is_added(self, post: Post, mailer: Open) -> None:
        """No recipient who is in the envelope alone is named in what arrives."""
        mailer().send(mail(to=("buyer@client.example", "blind-copy@acme.example")))
        assert not any(b"blind-copy" in one.content for one in post.arrived())

    def test_m04_one_after_the_other(self, post: Post, mailer: Open) -> None:
        """One mailer sends many mails, each of which arrives once."""
        one, mails = mailer(), [mail(number) for number in range(12)]
        assert all(isinstance(one.send(each), Accepted) for each in mails)
        assert together(post.arrived()) == sorted(each.content for each in mails)

    def test_m05_whatever_it_says(self, post: Post, mailer: Open) -> None:
        """Lines that are a dot, begin with one, say From or are long arrive as they are."""
        sent = mail(text=".\n..\n.hidden\nFrom nobody\n\n" + "x" * 900 + "\n.")
        assert isinstance(mailer().send(sent), Accepted)
        assert [one.content for one in post.arrived()] == [sent.content]

    def test_m06_large(self, post: Post, mailer: Open) -> None:
        """A mail of two million bytes arrives whole."""
        sent = mail(text="\n".join(["0123456789" * 7] * 28_000))
        assert isinstance(mailer().send(sent), Accepted)
        assert [one.content for one in post.arrived()] == [sent.content]

    @able("partial")
    def test_m07_for_some(self, post: Post, mailer: Open) -> None:
        """Where some recipients are refused and the mail is taken for the others, the answer names the refused, and why."""
        post.arrange(Trouble.PARTLY)
        sent = mail(to=("first@client.example", "second@client.example"))
        outcome = mailer().send(sent)
        assert isinstance(outcome, Accepted)
        assert set(outcome.refused) == {"first@client.example"}
        assert all(isinstance(why, str) and why for why in outcome.refused.values())
        assert [one.content for one in post.arrived()] == [sent.content]


class Refusing(MailerClauses):
    """Mails that certainly did not leave: an answer, and not an error; what follows is not harmed."""

    @able("refusals")
    def test_r01_for_good(self, post: Post, mailer: Open) -> None:
        """A mail that is refused for good is ``NotSent`` with a reason, not temporary, and has not arrived."""
        outcome = self._refused(post, mailer, Trouble.REFUSED)
        assert (outcome.temporary, outcome.everything) == (False, False)

    @able("refusals")
    def test_r02_for_now(self, post: Post, mailer: Open) -> None:
        """A mail that is refused for now is ``NotSent`` and temporary, and has not arrived."""
        outcome = self._refused(post, mailer, Trouble.LATER)
        assert (outcome.temporary, outcome.everything) == (True, False)

    @able("lock-out")
    def test_r03_locked_out(self, post: Post, mailer: Open) -> None:
        """Where whoever asks is refused, the answer says ``everything``, so that a batch pauses at once."""
        assert self._refused(post, mailer, Trouble.LOCKED_OUT).everything

    @able("absence")
    def test_r04_nobody(self, post: Post, mailer: Open) -> None:
        """Where nobody is there, the answer is ``NotSent``, temporary, and says ``everything``."""
        outcome = self._refused(post, mailer, Trouble.NOBODY)
        assert (outcome.temporary, outcome.everything) == (True, True)

    @able("refusals")
    def test_r05_the_next_one_goes(self, post: Post, mailer: Open) -> None:
        """After a refusal, the same mailer sends the next mail, and the same one if it is tried again."""
        one = mailer()
        for number, trouble in enumerate((Trouble.REFUSED, Trouble.LATER), 1):
            post.arrange(trouble)
            assert isinstance(one.send(mail(number)), NotSent)
            assert isinstance(one.send(mail(number)), Accepted)
        assert together(post.arrived()) == [mail(1).content, mail(2).content]

    def test_r06_nobody_to_mail_to(self, post: Post, mailer: Open) -> None:
        """A mail without a recipient is answered: it never arrives for anybody, and never raises."""
        outcome = mailer().send(mail(to=()))
        assert isinstance(outcome, Accepted | NotSent)
        assert all(not one.recipients for one in post.arrived())

    @staticmethod
    def _refused(post: Post, mailer: Open, trouble: Trouble) -> NotSent:
        post.arrange(trouble)
        outcome = mailer().send(mail())
        assert isinstance(outcome, NotSent), f"{trouble}: {outcome}"
        assert outcome.reason
        assert list(post.arrived()) == []
        return outcome


class NotKnowing(MailerClauses):
    """Mails of which nobody can know: a person decides, or the mailer looks them up, and nothing is guessed."""

    @able("lost-answers")
    def test_k01_taken(self, post: Post, mailer: Open) -> None:
        """Where the answer is lost, and the mail was taken, the answer is ``Unknown``, unless the mailer finds out."""
        outcome = self._unanswered(post, mailer, Trouble.LOST)
        assert [one.content for one in post.arrived()] == [mail().content]
        assert isinstance(outcome, Unknown | Accepted), "it arrived, and the answer says that it was not sent"

    @able("lost-answers")
    def test_k02_not_taken(self, post: Post, mailer: Open) -> None:
        """Where it is lost, and the mail was not taken, the answer is ``Unknown`` as well, unless the mailer finds out."""
        outcome = self._unanswered(post, mailer, Trouble.DROPPED)
        arrived = [one.content for one in post.arrived()]  # one that finds out may have sent it again
        assert isinstance(outcome, Unknown | (Accepted if arrived else NotSent)), f"{len(arrived)} arrived: {outcome}"

    @able("lost-answers")
    def test_k03_the_next_one_goes(self, post: Post, mailer: Open) -> None:
        """After an answer was lost, the same mailer sends the next mail."""
        one = mailer()
        post.arrange(Trouble.DROPPED)
        one.send(mail(1))
        assert isinstance(one.send(mail(2)), Accepted)
        assert [each.content for each in post.arrived()] == [mail(2).content]

    @able("lookup")
    def test_k04_looked_up(self, post: Post, mailer: Open) -> None:
        """A mailer opened later says of a mail that was taken that it was, whether it was answered or not."""
        mailer().send(mail(1))
        known = {mail(1).message_id}
        if "lost-answers" not in self.lacks:
            post.arrange(Trouble.LOST)
            mailer().send(mail(2))
            known.add(mail(2).message_id)
        assert all(self._lookup(mailer(), one) is True for one in known)

    @able("lookup")
    def test_k05_not_found(self, post: Post, mailer: Open) -> None:
        """Of a mail that was never taken it says ``False``, or ``None`` where it cannot know, and never ``True``."""
        mailer().send(mail(1))
        assert self._lookup(mailer(), mail(2).message_id) in (False, None)
        if "refusals" not in self.lacks:
            post.arrange(Trouble.REFUSED)
            mailer().send(mail(3))
            assert self._lookup(mailer(), mail(3).message_id) in (False, None)

    @able("idempotent")
    def test_k06_once(self, post: Post, mailer: Open) -> None:
        """A message that is sent again under the same Message-ID is accepted, and arrives once."""
        for _ in range(3):
            assert isinstance(mailer().send(mail(1)), Accepted)
        assert isinstance(mailer().send(mail(2)), Accepted)
        assert together(post.arrived()) == [mail(1).content, mail(2).content]

    @staticmethod
    def _unanswered(post: Post, mailer: Open, trouble: Trouble) -> Outcome:
        post.arrange(trouble)
        return mailer().send(mail())

    @staticmethod
    def _lookup(mailer: Mailer, message_id: str) -> bool | None:
        lookup: Callable[[str], bool | None] | None = getattr(mailer, "lookup", None)
        assert lookup is not None, "it has no method lookup(message_id)"
        return lookup(message_id)


class Living(MailerClauses):
    """A mailer's life: it is kept over a batch, shared, closed, and shown."""

    def test_l01_closed_and_used_again(self, post: Post, mailer: Open) -> None:
        """Closing twice is fine, and so is closing one that has sent nothing; sending again opens a new connection."""
        one = mailer()
        one.close()
        assert isinstance(one.send(mail(1)), Accepted)
        one.close()
        one.close()
        assert isinstance(one.send(mail(2)), Accepted)
        assert together(post.arrived()) == [mail(1).content, mail(2).content]

    @able("threads")
    def test_l02_threads(self, post: Post, mailer: Open) -> None:
        """Threads that share a mailer send each mail once, and get the answer to their own."""
        one, outcomes = mailer(), dict[int, Outcome]()
        threads = [
            Thread(target=lambda number=number: outcomes.update({number: one.send(mail(number))}))
            for number in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(outcomes) == 8
        assert all(isinstance(outcome, Accepted) for outcome in outcomes.values())
        assert together(post.arrived()) == sorted(mail(number).content for number in range(8))

    def test_l03_two_at_once(self, post: Post, mailer: Open) -> None:
        """Two mailers to the same place do not get into each other's way."""
        one, two = mailer(), mailer()
        for number, each in enumerate((one, two, two, one)):
            assert isinstance(each.send(mail(number)), Accepted)
        assert together(post.arrived()) == [mail(number).content for number in range(4)]

    def test_l04_secrets(self, post: Post, mailer: Open, caplog: pytest.LogCaptureFixture) -> None:
        """Neither a mailer's ``repr``, nor an answer, nor a log line shows a secret, an address or a word of a mail."""
        one = mailer()
        shown = [repr(one), repr(one.send(mail()))]
        with caplog.at_level("DEBUG"):
            one.send(mail(2))
            if "lock-out" not in self.lacks:
                post.arrange(Trouble.LOCKED_OUT)
                shown.append(repr(mailer().send(mail(3))))
        package = type(one).__module__.partition(".")[0]  # the place that is mailed to may log what it likes
        logged = [one.getMessage() for one in caplog.records if one.name.partition(".")[0] == package]
        assert not any(secret in text for secret in post.secrets for text in (*shown, *logged))
        assert not any("Here it is" in text or "buyer@" in text for text in logged)
