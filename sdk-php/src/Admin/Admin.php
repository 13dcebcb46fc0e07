<?php

declare(strict_types=1);

namespace Waybill\Admin;

use Waybill\Duration;
use Waybill\Exception\FailedPreconditionException;
use Waybill\Exception\NotFoundException;
use Waybill\Exception\WaybillException;
use Waybill\RetryPolicy;
use Waybill\Rpc\Convert;
use Waybill\Rpc\Repeat;
use Waybill\Rpc\Rpc;
use Waybill\V1;

/**
 * What operators do. Lists are walked page by page as you go on, and hold the messages of `waybill/v1/admin.proto`, whose fields are
 * explained there; all times in them are Unix milliseconds.
 *
 * Every call throws a WaybillException when it fails.
 */
final class Admin
{
    private const SERVICE = '/waybill.v1.Admin/';
    private const PAGE = 500;

    /**
     * @internal
     */
    public function __construct(private readonly Rpc $rpc) {}

    /**
     * Topics that a channel names, or that messages are parked for, by name.
     *
     * @param string $prefix only names that begin with this
     *
     * @return \Generator<int, V1\Topic>
     */
    public function topics(string $prefix = ''): \Generator
    {
        return Pages::walk(V1\Topic::class, function (string $token) use ($prefix): array {
            $request = (new V1\ListTopicsRequest())->setPrefix($prefix)->setPageSize(self::PAGE)->setPageToken($token);
            $response = $this->rpc->call(self::SERVICE . 'ListTopics', $request, new V1\ListTopicsResponse(), Repeat::Safe);

            return [$response->getTopics(), $response->getNextPageToken()];
        });
    }

    /**
     * By topic, then name.
     *
     * @param string $topic only of exactly this topic or pattern
     *
     * @return \Generator<int, V1\Channel>
     */
    public function channels(string $topic = '', string $prefix = ''): \Generator
    {
        return Pages::walk(V1\Channel::class, function (string $token) use ($topic, $prefix): array {
            $request = (new V1\ListChannelsRequest())->setTopic($topic)->setPrefix($prefix)->setPageSize(self::PAGE)->setPageToken($token);
            $response = $this->rpc->call(self::SERVICE . 'ListChannels', $request, new V1\ListChannelsResponse(), Repeat::Safe);

            return [$response->getChannels(), $response->getNextPageToken()];
        });
    }

    /**
     * @throws NotFoundException for a channel that there is not
     */
    public function channel(string $topic, string $channel): V1\Channel
    {
        $request = (new V1\GetChannelRequest())->setTopic($topic)->setChannel($channel);
        $response = $this->rpc->call(self::SERVICE . 'GetChannel', $request, new V1\GetChannelResponse(), Repeat::Safe);

        return $response->getChannel() ?? new V1\Channel();
    }

    /** Makes a channel, which keeps every message from now on; one that exists stays. */
    public function createChannel(string $topic, string $channel, ?RetryPolicy $retry = null): V1\Channel
    {
        $request = (new V1\CreateChannelRequest())->setTopic($topic)->setChannel($channel);
        if ($retry !== null) {
            $request->setRetry($retry->wire);
        }
        $response = $this->rpc->call(self::SERVICE . 'CreateChannel', $request, new V1\CreateChannelResponse(), Repeat::Safe);

        return $response->getChannel() ?? new V1\Channel();
    }

    /**
     * Ends a channel and its queue; answers how many messages ended with it.
     *
     * @param bool $purge also when it holds messages
     *
     * @throws FailedPreconditionException while it has consumers, or messages and not `purge`
     */
    public function deleteChannel(string $topic, string $channel, bool $purge = false, bool $dryRun = false): int
    {
        $request = (new V1\DeleteChannelRequest())->setTopic($topic)->setChannel($channel)->setPurge($purge)->setDryRun($dryRun);

        return (int) $this->rpc->call(self::SERVICE . 'DeleteChannel', $request, new V1\DeleteChannelResponse(), Repeat::Unsafe)->getPurged();
    }

    /**
     * Deletes the topic's channels, and cancels what is delayed or parked for it.
     *
     * @throws FailedPreconditionException as `deleteChannel`
     */
    public function deleteTopic(string $topic, bool $purge = false, bool $dryRun = false): V1\DeleteTopicResponse
    {
        $request = (new V1\DeleteTopicRequest())->setTopic($topic)->setPurge($purge)->setDryRun($dryRun);

        return $this->rpc->call(self::SERVICE . 'DeleteTopic', $request, new V1\DeleteTopicResponse(), Repeat::Unsafe);
    }

    /** Nothing of the channel is handed out until it is resumed. */
    public function pause(string $topic, string $channel): void
    {
        $request = (new V1\PauseChannelRequest())->setTopic($topic)->setChannel($channel);
        $this->rpc->call(self::SERVICE . 'PauseChannel', $request, new V1\PauseChannelResponse(), Repeat::Safe);
    }

    public function resume(string $topic, string $channel): void
    {
        $request = (new V1\ResumeChannelRequest())->setTopic($topic)->setChannel($channel);
        $this->rpc->call(self::SERVICE . 'ResumeChannel', $request, new V1\ResumeChannelResponse(), Repeat::Safe);
    }

    /**
     * Ends what a channel holds, without delivery.
     *
     * @param bool $ready what waits for a consumer
     * @param bool $scheduled retries that wait for their time
     */
    public function purge(string $topic, string $channel, bool $ready = true, bool $scheduled = true, bool $dryRun = false): Affected
    {
        $request = (new V1\PurgeChannelRequest())
            ->setTopic($topic)
            ->setChannel($channel)
            ->setReady($ready)
            ->setScheduled($scheduled)
            ->setDryRun($dryRun);
        $response = $this->rpc->call(self::SERVICE . 'PurgeChannel', $request, new V1\PurgeChannelResponse(), Repeat::Unsafe);

        return new Affected((int) $response->getReady() + (int) $response->getScheduled(), $response->getComplete());
    }

    /**
     * Who consumes at this moment, on all gateways.
     *
     * @return \Generator<int, V1\Consumer>
     */
    public function consumers(string $topic = '', string $channel = ''): \Generator
    {
        return Pages::walk(V1\Consumer::class, function (string $token) use ($topic, $channel): array {
            $request = (new V1\ListConsumersRequest())->setTopic($topic)->setChannel($channel)->setPageSize(self::PAGE)->setPageToken($token);
            $response = $this->rpc->call(self::SERVICE . 'ListConsumers', $request, new V1\ListConsumersResponse(), Repeat::Safe);

            return [$response->getConsumers(), $response->getNextPageToken()];
        });
    }

    /**
     * The ledger's records that fit, newest first. The query's own page is not looked at.
     *
     * @return \Generator<int, V1\MessageRecord>
     */
    public function findMessages(V1\FindMessagesRequest $query): \Generator
    {
        return Pages::walk(V1\MessageRecord::class, function (string $token) use ($query): array {
            $request = (clone $query)->setPageSize(self::PAGE)->setPageToken($token);
            $response = $this->rpc->call(self::SERVICE . 'FindMessages', $request, new V1\FindMessagesResponse(), Repeat::Safe);

            return [$response->getMessages(), $response->getNextPageToken()];
        });
    }

    /**
     * One message with all that is known of it.
     *
     * @param string $topic empty: looked for on all
     *
     * @throws NotFoundException when the ledger has no record of it
     */
    public function message(string $id, string $topic = ''): V1\GetMessageResponse
    {
        $request = (new V1\GetMessageRequest())->setId($id)->setTopic($topic);

        return $this->rpc->call(self::SERVICE . 'GetMessage', $request, new V1\GetMessageResponse(), Repeat::Safe);
    }

    /**
     * What waits for a time, the next due first.
     *
     * @return \Generator<int, V1\Scheduled>
     */
    public function schedule(
        string $topic = '',
        string $channel = '',
        ?\DateTimeInterface $after = null,
        ?\DateTimeInterface $before = null,
    ): \Generator {
        return Pages::walk(V1\Scheduled::class, function (string $token) use ($topic, $channel, $after, $before): array {
            $request = (new V1\ListScheduledRequest())
                ->setTopic($topic)
                ->setChannel($channel)
                ->setAfterTimeMs($after === null ? 0 : Convert::milliseconds($after))
                ->setBeforeTimeMs($before === null ? 0 : Convert::milliseconds($before))
                ->setPageSize(self::PAGE)
                ->setPageToken($token);
            $response = $this->rpc->call(self::SERVICE . 'ListScheduled', $request, new V1\ListScheduledResponse(), Repeat::Safe);

            return [$response->getScheduled(), $response->getNextPageToken()];
        });
    }

    /**
     * Makes a delayed message, or with `channel` a retry, due now.
     *
     * @param string $channelTopic the topic or pattern of the channel. Default: the message's topic
     *
     * @throws NotFoundException when it does not wait
     * @throws FailedPreconditionException when its delivery has begun
     */
    public function runNow(string $topic, string $id, string $channel = '', string $channelTopic = ''): void
    {
        $request = (new V1\RunNowRequest())->setTopic($topic)->setId($id)->setChannel($channel)->setChannelTopic($channelTopic);
        $this->rpc->call(self::SERVICE . 'RunNow', $request, new V1\RunNowResponse(), Repeat::Unsafe);
    }

    /**
     * Dead letters, the last to die first.
     *
     * @return \Generator<int, V1\DeadLetter>
     */
    public function dead(DeadQuery $query = new DeadQuery()): \Generator
    {
        return Pages::walk(V1\DeadLetter::class, function (string $token) use ($query): array {
            $request = (new V1\ListDeadRequest())->setQuery($query->wire())->setPageSize(self::PAGE)->setPageToken($token);
            $response = $this->rpc->call(self::SERVICE . 'ListDead', $request, new V1\ListDeadResponse(), Repeat::Safe);

            return [$response->getDead(), $response->getNextPageToken()];
        });
    }

    /**
     * Gives dead letters back to the channel on which they died, with all their retries ahead of them.
     *
     * @param int $limit the most, 1 to 1,000,000
     * @param int $maxPerSecond the most a second that become due, counted from the start of the call; 0: no limit
     * @param int|float|\DateInterval|null $deadline up to 1 h: by then it answers with what is done. Default: the connection's
     */
    public function redrive(
        DeadQuery $query,
        int $limit = 1000,
        int $maxPerSecond = 0,
        bool $dryRun = false,
        int|float|\DateInterval|null $deadline = null,
    ): Affected {
        $seconds = $deadline === null ? null : Duration::milliseconds($deadline, 'deadline', 1, 3_600_000) / 1000;
        $request = (new V1\RedriveRequest())
            ->setQuery($query->wire())
            ->setLimit($limit)
            ->setMaxPerSecond($maxPerSecond)
            ->setDryRun($dryRun);
        $response = $this->rpc->call(self::SERVICE . 'Redrive', $request, new V1\RedriveResponse(), Repeat::Unsafe, $seconds);

        return new Affected((int) $response->getCount(), $response->getComplete());
    }

    /**
     * Ends dead letters for good.
     *
     * @param int $limit the most, 1 to 1,000,000
     */
    public function deleteDead(DeadQuery $query, int $limit = 1000, bool $dryRun = false): Affected
    {
        $request = (new V1\DeleteDeadRequest())->setQuery($query->wire())->setLimit($limit)->setDryRun($dryRun);
        $response = $this->rpc->call(self::SERVICE . 'DeleteDead', $request, new V1\DeleteDeadResponse(), Repeat::Unsafe);

        return new Affected((int) $response->getCount(), $response->getComplete());
    }

    /**
     * The gateways.
     *
     * @return \Generator<int, V1\Node>
     */
    public function nodes(): \Generator
    {
        return Pages::walk(V1\Node::class, function (string $token): array {
            $request = (new V1\ListNodesRequest())->setPageSize(self::PAGE)->setPageToken($token);
            $response = $this->rpc->call(self::SERVICE . 'ListNodes', $request, new V1\ListNodesResponse(), Repeat::Safe);

            return [$response->getNodes(), $response->getNextPageToken()];
        });
    }

    /**
     * Totals, rates and depths.
     *
     * @param string $node only of this gateway
     *
     * @throws WaybillException
     */
    public function stats(string $node = ''): V1\Stats
    {
        $request = (new V1\GetStatsRequest())->setNode($node);
        $response = $this->rpc->call(self::SERVICE . 'GetStats', $request, new V1\GetStatsResponse(), Repeat::Safe);

        return $response->getStats() ?? new V1\Stats();
    }

    /**
     * What operators did, the last first.
     *
     * @return \Generator<int, V1\AuditEntry>
     */
    public function audit(): \Generator
    {
        return Pages::walk(V1\AuditEntry::class, function (string $token): array {
            $request = (new V1\ListAuditRequest())->setPageSize(self::PAGE)->setPageToken($token);
            $response = $this->rpc->call(self::SERVICE . 'ListAudit', $request, new V1\ListAuditResponse(), Repeat::Safe);

            return [$response->getEntries(), $response->getNextPageToken()];
        });
    }
}
