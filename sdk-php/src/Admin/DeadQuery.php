<?php

declare(strict_types=1);

namespace Waybill\Admin;

use Waybill\Rpc\Convert;
use Waybill\V1;

/** Which dead letters: those that fit all that is given. */
final readonly class DeadQuery
{
    /**
     * @param string $topic only of this topic, no pattern
     * @param string $channel only of channels of this name
     * @param list<string> $ids only these, up to 1,000; needs `topic`
     * @param \DateTimeInterface|null $after only those that died at this time or later
     * @param \DateTimeInterface|null $before only those that died before this
     * @param string $reasonContains only with this text in the reason, upper and lower case alike
     */
    public function __construct(
        public string $topic = '',
        public string $channel = '',
        public array $ids = [],
        public ?\DateTimeInterface $after = null,
        public ?\DateTimeInterface $before = null,
        public string $reasonContains = '',
    ) {}

    /** @internal */
    public function wire(): V1\DeadQuery
    {
        return (new V1\DeadQuery())
            ->setTopic($this->topic)
            ->setChannel($this->channel)
            ->setIds($this->ids)
            ->setAfterTimeMs($this->after === null ? 0 : Convert::milliseconds($this->after))
            ->setBeforeTimeMs($this->before === null ? 0 : Convert::milliseconds($this->before))
            ->setReasonContains($this->reasonContains);
    }
}
